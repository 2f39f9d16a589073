from pathlib import Path

import yaml

from categories.taxonomy import TAXONOMY
from config.load import load, loads
from config.outline import keys
from config.planned import KEYS, VALUES
from config.reference import defaults, page

ROOT = Path(__file__).parents[2]
LEAST = """district: {name: Example Unified}
retention: {records: third-july-1, evidence: 10y, cases: 10y}
lists:
  - {name: ut1, format: ut1, map: {adult: pornography},
     url: https://dsi.ut-capitole.fr/blacklists/download/blacklists.tar.gz}
"""


def test_the_page_is_fresh() -> None:
    assert (ROOT / "docs" / "config.md").read_text() == page(), "run: python -m config.reference page > docs/config.md"


def test_the_page_has_every_key_and_every_category() -> None:
    text = page()
    assert [key.spelled for key in keys() if f"`{key.spelled}`" not in text] == []
    assert [id_ for id_ in TAXONOMY if f"`{id_}`" not in text] == []
    assert [place for place in KEYS if f"`{place[0]}" not in text] == []
    assert [value for values in VALUES.values() for value in values if f"`{value}`" not in text] == []


def test_the_defaults_are_fresh() -> None:
    text = (ROOT / "config" / "default.yaml").read_text()
    assert text == defaults(), "run: python -m config.reference defaults > config/default.yaml"


def test_the_defaults_are_what_a_file_gets_that_says_nothing() -> None:
    assert load(ROOT / "config" / "default.yaml") == loads(LEAST, "least.yaml", ROOT)


def test_the_defaults_hold_every_key() -> None:
    text = defaults()
    missing = [key.spelled for key in keys() if "*" not in key.place and f"{key.place[-1]}:" not in text]
    assert missing == []


def test_keys_in_remarks_can_be_taken_out_of_them() -> None:
    text = defaults()
    for name, value in {"help_desk": "", "email": "a@b.example", "phone": "'1'"}.items():
        text = text.replace(f"# {name}:", f"{name}: {value}", 1)
    assert loads(text, "d.yaml", ROOT).district.help_desk.email == "a@b.example"
    assert yaml.safe_load(text)
