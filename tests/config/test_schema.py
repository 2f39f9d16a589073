import json
from pathlib import Path

from config.outline import keys
from config.schema import render

FILE = Path(__file__).parents[2] / "config" / "schema.json"


def test_the_schema_is_fresh() -> None:
    assert FILE.read_text() == render(), "run: python -m config.schema > config/schema.json"


def test_the_schema_knows_every_key_and_allows_no_other() -> None:
    schema = json.loads(render())
    assert schema["additionalProperties"] is False
    text = render()
    assert [key.spelled for key in keys() if f'"{key.place[-1]}"' not in text] == []


def test_short_forms_are_in_the_schema() -> None:
    definitions = json.loads(render())["$defs"]
    assert {"enum": ["block", "allow", "monitor"]} in definitions["CategoryRule"]["anyOf"]
    assert {"type": "string"} in definitions["Listener"]["anyOf"]
