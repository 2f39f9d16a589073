from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from proxy.verdict import Action
from tests.usage_log.records import record
from tests.usage_log.stored import store
from usage_log.commands import _ACTIONS, audit_app
from usage_log.queries import CaseNeeded

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

DISTRICT = """district: {name: Example Unified}
retention: {records: third-july-1, evidence: 10y, cases: 10y}
starter_only: true
state_dir: state
"""


@pytest.fixture
def district(tmp_path: Path) -> Path:
    path = tmp_path / "district.yaml"
    path.write_text(DISTRICT)
    return path


def run(district: Path, *arguments: str) -> Result:
    return CliRunner().invoke(audit_app, [arguments[0], "--config", str(district), *arguments[1:]])


def test_all_records_as_json_and_the_newest_as_a_table(district: Path) -> None:
    store(district.parent / "state", *(record(host=f"h{number}.test") for number in range(250)))
    lines = run(district, "log", "--json").stdout.splitlines()
    assert [json.loads(line)["host"] for line in lines] == [f"h{number}.test" for number in range(250)]
    table = run(district, "log")
    assert "h249.test" in table.stdout
    assert "h49.test" not in table.stdout
    assert "The newest 200 records" in table.stderr
    assert len(run(district, "log", "--json", "--limit", "3").stdout.splitlines()) == 3


def test_filters_and_times_reach_the_question(district: Path) -> None:
    store(district.parent / "state", record(host="a.test"), record(host="b.test", action="block", reason="bypass.tor"))
    wanted = ("--since", "24h", "--host", "b.test", "--action", "block", "--reason", "bypass", "--school", "lincoln")
    assert json.loads(run(district, "log", "--json", *wanted).stdout)["host"] == "b.test"
    assert run(district, "log", "--json", "--until", "24h").stdout == ""
    assert json.loads(run(district, "summary", "--json", "--since", "24h").stdout)["records"] == 2


@pytest.mark.parametrize("command", ["log", "summary"])
def test_one_persons_log_is_refused_before_anything_is_read(tmp_path: Path, command: str) -> None:
    result = run(tmp_path / "no-such.yaml", command, "--user", "jane.roe")
    assert isinstance(result.exception, CaseNeeded)
    assert result.stdout == ""


def test_a_block_is_shown_by_the_reference_on_its_page(district: Path) -> None:
    store(district.parent / "state", record(host="b.test", action="block", reason="bypass.tor", user="jane.roe"))
    [known] = [json.loads(line) for line in run(district, "log", "--json").stdout.splitlines()]
    found = run(district, "log", "--json", "--id", known["id"].lower())
    assert (found.exit_code, json.loads(found.stdout)["host"]) == (0, "b.test")
    assert json.loads(found.stdout)["user"] is None
    missing = run(district, "log", "--json", "--id", "0" * 26)
    assert (missing.exit_code, missing.stdout) == (1, "")


@pytest.mark.parametrize(
    ("option", "word", "said"),
    [
        ("action", "maybe", "allow, block, challenge, monitor, passthrough"),
        ("action", "", "allow, block"),
        ("category", "nope", "gambling, games"),
        ("category", "", "gambling"),
        ("school", "lincon", "lincoln"),
        ("host", "", "it is empty"),
        ("host", ".", "it is empty"),
        ("reason", " ", "it is empty"),
    ],
)
@pytest.mark.parametrize("rows", [0, 1])
def test_a_word_that_nothing_can_fit_is_refused(district: Path, option: str, word: str, said: str, rows: int) -> None:
    district.write_text(DISTRICT + "schools: {lincoln: [10.1.0.0/16]}\n")
    store(district.parent / "state", *[record()] * rows)
    result = run(district, "log", f"--{option}", word)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"--{option}" in result.stderr
    assert said in " ".join(result.stderr.replace("│", "").split())


def test_what_only_the_log_still_knows_can_be_asked_for(district: Path) -> None:
    store(district.parent / "state", record(school="closed-school", category="old-category", host="a.test"))
    for wanted in (("--school", "closed-school"), ("--category", "old-category")):
        assert json.loads(run(district, "log", "--json", *wanted).stdout)["host"] == "a.test"
    assert run(district, "log", "--json", "--category", "games").exit_code == 0


def test_the_actions_are_those_of_the_verdicts() -> None:
    assert sorted(_ACTIONS) == sorted(Action)
