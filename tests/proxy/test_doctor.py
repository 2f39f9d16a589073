"""doctor as a whole: every check is run, none can end it, and red is exit 1."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest
from rich.console import Console

from proxy import doctor, doctor_list_updates, doctor_lists, doctor_log, doctor_probes, doctor_state, doctor_trust
from proxy.doctor import CHECKS, examine, exit_code, print_findings, to_json
from proxy.finding import Finding, Level
from proxy.tenure import sole
from tests.proxy.doctor_district import district

NOW = datetime.now(UTC)
RED = Finding("disk", Level.RED, "full", "make room")


def test_every_check_that_is_written_is_run():
    written = {
        function
        for module in (doctor_list_updates, doctor_lists, doctor_log, doctor_probes, doctor_state, doctor_trust)
        for name, function in vars(module).items()
        if name.startswith("check_") and function.__module__ == module.__name__
    }
    assert written == set(CHECKS)


def test_the_demo_is_red_for_its_starter_lists_and_because_nobody_listens(tmp_path):
    findings = examine(district(tmp_path), NOW)
    red = {finding.name for finding in findings if finding.level is Level.RED}
    assert {"floor obscene", "floor pornography", "listener 127.0.0.1:1", "blocked probe", "allowed probe"} <= red
    assert exit_code(findings) == 1


@pytest.mark.parametrize("content", [b"{\n\xff", b"", b"[" * 100_000], ids=["broken", "empty", "nested"])
@pytest.mark.parametrize(
    ("what", "broken", "finding"),
    [
        ("accounts", "accounts.json", "accounts"),
        ("the authority", "ca/authority.pem", "authority"),
        ("the lists", "lists/current", "floor"),
        ("what the workers say", "run/status.json", "workers"),
    ],
)
def test_a_broken_file_is_one_red_finding_of_one_line_and_the_rest_is_still_looked_at(
    tmp_path, what, broken, finding, content
):
    config = district(tmp_path)
    path = tmp_path / "state" / broken
    path.chmod(0o600)
    path.write_bytes(content)
    with sole(tmp_path / "state") as tenure:  # what a filter says is only read while one runs
        tenure.begin()
        findings = examine(config, NOW)
    found = next(each for each in findings if each.name == finding)
    assert found.level is Level.RED
    assert "\n" not in found.what + found.todo
    assert found.what
    assert found.todo
    assert any(each.name == "allowed probe" for each in findings)


@pytest.mark.parametrize(
    "error",
    [OSError(13, "Permission denied", "/state/x"), KeyError("workers"), TypeError("not a list"), ValueError("broken"),
     ValueError("")],
)  # fmt: skip
def test_a_check_that_raises_what_rooms_raise_is_a_finding(tmp_path, monkeypatch, error):
    def check_something(_: object) -> tuple[Finding, ...]:
        raise error

    monkeypatch.setattr(doctor, "CHECKS", (check_something,))
    (finding,) = examine(district(tmp_path), NOW)
    assert (finding.name, finding.level) == ("something", Level.RED)
    assert finding.what


def test_settings_that_cannot_be_read_are_the_only_finding(tmp_path):
    (finding,) = examine(tmp_path / "none.yaml", NOW)
    assert (finding.name, finding.level) == ("settings", Level.RED)
    assert str(tmp_path) in finding.what


def test_red_alone_is_a_finding_for_the_exit_code():
    warning = Finding("trust", Level.WARN, "not trusted", "export it")
    assert exit_code(()) == 0
    assert exit_code((warning,)) == 0
    assert exit_code((warning, RED)) == 1


def test_the_object_for_programs():
    told = json.loads(to_json((RED,)))
    assert told == {"ok": False, "findings": [{"name": "disk", "level": "red", "what": "full", "todo": "make room"}]}


def test_the_table_shows_what_to_do_and_nothing_in_it_acts_on_the_terminal():
    evil = Finding("refused", Level.WARN, "[bold]x[/bold] \x1b[2J [::1]", "do this")
    out = io.StringIO()
    print_findings((RED, evil), Console(file=out, width=100))
    shown = out.getvalue()
    assert "make room" in shown
    assert "[bold]x[/bold]" in shown
    assert "\x1b" not in shown
