"""What the commands on the lists say, and to whom; tests/e2e/test_lists.py runs them beside a filter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from breakwater import app
from categories.attempts import last_attempt
from categories.history import history
from config.revisions import RevisionRefused
from proxy.list_acts import UsageLog
from proxy.lists_commands import lists_app
from proxy.start import prepare
from tests.categories.server import body, serving
from tests.proxy.untold import UNTOLD
from usage_log.visits import Visited, Visits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from tests.categories.server import Answer

DISTRICT = """
district: {{name: Demo District}}
state_dir: state
retention: {{records: 90d, evidence: 10y, cases: 10y}}
starter_only: true
categories: {{gambling: block}}
lists: [{{name: mine, format: domains, url: "{url}/mine", category: gambling}}]
"""
VISITED = UsageLog(lambda *_: Visits((Visited("marker-visited.test", 7, 90),), ()), UNTOLD.record)


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Answer]]:
    """What the server of a district's list answers; a host that seven people visited is on it since it was applied."""
    monkeypatch.setattr("os.nice", lambda _: 0)
    found = {"/mine": body(b"casino.test\n")}
    with serving(found) as url:
        (tmp_path / "district.yaml").write_text(DISTRICT.format(url=url))
        prepare(tmp_path / "district.yaml", lambda _: None, datetime.now(UTC), UNTOLD)
        found["/mine"] = body(b"casino.test\nmarker-visited.test\n")
        yield found


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(lists_app, [*arguments, "--config", str(folder / "district.yaml")], obj=VISITED)


def scheduled(folder: Path) -> Result:
    return CliRunner().invoke(lists_app, ["scheduled", "--state-dir", str(folder / "state")], obj=VISITED)


def test_a_person_is_told_which_visited_hosts_change(tmp_path: Path, answers: dict[str, Answer]) -> None:
    said = run(tmp_path, "update")
    assert said.exit_code == 0, said.output
    assert "marker-visited.test: allow default -> block category.gambling (7 people)" in said.stderr


@pytest.mark.parametrize("held", [False, True], ids=["in force", "held"])
def test_the_log_of_the_filter_is_not_told(tmp_path: Path, answers: dict[str, Answer], held: bool) -> None:
    """Invariant 7: what the schedule's process says goes where the filter's own words go."""
    if held:
        answers["/mine"] = body(b"casino.test\nmarker-visited.test\n988lifeline.org\n")
    said = scheduled(tmp_path)
    assert said.exit_code == (1 if held else 0), said.output
    assert "list mine: " in said.stderr
    assert ("held for a person" if held else "generation 000002-") in said.stderr
    assert "marker-visited" not in said.output
    assert "people" not in said.output


COMMANDS = (("update",), ("compile",), ("apply", "000002"), ("rollback",))


@pytest.mark.parametrize("reason", ["", " \t\n", "x" * 501], ids=["nothing", "blanks", "501 characters"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_reason_has_to_say_something(
    tmp_path: Path, answers: dict[str, Answer], command: tuple[str, ...], reason: str
) -> None:
    before = history(tmp_path / "state" / "lists")
    said = run(tmp_path, *command, "--reason", reason)
    assert isinstance(said.exception, RevisionRefused)
    assert history(tmp_path / "state" / "lists") == before
    assert last_attempt(tmp_path / "state" / "lists") is None  # nobody was asked: nothing failed


FORGED = "ours\x1b[31m\nforged"
SHOWN = r"ours\x1b[31m forged"


def test_who_and_why_are_kept_as_one_line_that_a_terminal_only_shows(
    tmp_path: Path, answers: dict[str, Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", FORGED)
    for command in ("update", "rollback", "compile"):
        assert run(tmp_path, command, "--reason", FORGED).exit_code == 0
    kept = {(applied.author, applied.reason) for applied in history(tmp_path / "state" / "lists")[-3:]}
    assert kept == {(SHOWN, SHOWN)}


def test_the_reason_of_config_apply_stands_so_in_the_history_of_the_lists(
    tmp_path: Path, answers: dict[str, Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", FORGED)
    config = tmp_path / "district.yaml"
    config.write_text(config.read_text().replace("category: gambling}]", "category: games}]"))
    said = CliRunner().invoke(app, ["config", "apply", "--config", str(config), "--reason", FORGED])
    assert said.exit_code == 0, said.output
    last = history(tmp_path / "state" / "lists")[-1]
    assert (last.author, last.reason) == (SHOWN, f"config: {SHOWN}")
