import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from config import reports
from config.difference import Change, difference
from config.problems import Problem
from config.revision_files import Entry
from config.revisions import Applied, Past
from tests.config.district import TODAY, settings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ENTRY = Entry(1, "ann", "first", NOW, Path("/etc"), "/etc/d.yaml", "a: 1\n", "").sealed()


def test_the_summary_names_what_a_reader_asks_first() -> None:
    found = settings("lists: [{name: mine, format: domains, path: a, category: games}]\ncategories: {games: block}\n")
    text = "\n".join(reports.summary_lines(found))
    for word in (
        "Example Unified",
        "http://127.0.0.1:8080",
        "local",
        "mine (1 categories)",
        "games block",
        "starter lists",
    ):
        assert word in text
    assert json.loads(json.dumps(reports.summary(found)))["lists"] == [{"name": "mine", "categories": ["games"]}]


def test_what_is_allowed_and_should_be_known() -> None:
    said = "\n".join(
        reports.warnings(
            settings(
                "categories:\n  games: {action: monitor, until: 2020-01-01}\n"
                "  ads: {action: monitor, until: 2099-01-01}\n"
                "proxy: {listen: ['10.1.0.5:8080'], allow_plain_basic: true}\n"
            ),
            TODAY,
        )
    )
    for word in (
        "starter_only",
        "readable at 10.1.0.5:8080",
        "ended on 2020-01-01",
        "more than a year",
        "help_desk",
        "policy_url",
    ):
        assert word in said
    assert not any("safe_search" in line for line in said.splitlines())
    unsafe = reports.warnings(settings("safe_search: {bing: off}\n"), TODAY)
    assert [line for line in unsafe if "safe_search" in line] == [
        "safe_search.bing: off; what it finds is shown as people set it"
    ]
    kept = reports.warnings(settings("record_search_terms: true\n"), TODAY)
    assert any(line.startswith("record_search_terms: ") for line in kept)
    quiet = settings("identity: {required: false}\n")
    assert any("nobody has to say" in line for line in reports.warnings(quiet, TODAY))


def test_files_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "there.pem").touch()
    found = settings(
        f"proxy:\n  extra_trust: ['{tmp_path}/there.pem', '{tmp_path}/gone.pem']\n  listen:\n"
        "    - address: '127.0.0.1:8080'\n"
        f"      tls: {{cert_file: '{tmp_path}/there.pem', key_file: '{tmp_path}/gone.key'}}\n"
        f"lists: [{{name: mine, format: domains, path: '{tmp_path}/gone.txt', category: games}}]\n"
    )
    assert [line.rpartition("/")[2] for line in reports.missing_files(found)] == [
        "gone.txt is not there", "gone.key is not there", "gone.pem is not there",
    ]  # fmt: skip


def test_a_difference_says_what_waits_for_a_restart() -> None:
    changes = difference(
        settings("schools: {a: [10.1.0.0/16]}\n"), settings("proxy: {workers: 2}\ncategories: {games: block}\n")
    )
    assert reports.difference_lines(changes) == [
        "+ categories.games.action: block",
        "~ proxy.workers: auto -> 2 (restart)",
        '- schools.a: ["10.1.0.0/16"]',
        "(restart) takes effect at the next start of breakwater run",
    ]
    assert json.loads(json.dumps(reports.difference_json(changes)))[1]["needs_restart"] is True
    assert reports.difference_lines(()) == ["no difference"]


def test_the_history_marks_the_one_in_force_and_what_was_changed() -> None:
    past = [
        Past(1, False, None, "changed by hand"),
        Past(2, False, replace(ENTRY, revision=2), "does not continue the revision before it"),
        Past(3, True, replace(ENTRY, revision=3, author="ann\x1b[2J")),
    ]
    lines = reports.history_lines(past)
    assert lines[0] == "*    3  2026-11-22 12:00:00Z  ann\\x1b[2J: first"
    assert "DOES NOT CONTINUE" in lines[1]
    assert lines[2] == "     1  NOT AS IT WAS WRITTEN: changed by hand"
    assert [row["revision"] for row in json.loads(json.dumps(reports.history_json(past)))] == [1, 2, 3]
    assert reports.history_lines([]) == ["nothing was applied yet"]


def test_problems_and_applied_settings_as_values() -> None:
    assert reports.problems_json([Problem("d.yaml", 3, "lists", "bad")]) == [
        {"file": "d.yaml", "line": 3, "key": "lists", "message": "bad"}
    ]
    applied = Applied(1, settings(), "a: 1\n", "ann", "first", NOW, "ab12", Path("/etc"), "/etc/d.yaml")
    assert json.loads(json.dumps(reports.applied_json(applied)))["time"] == "2026-11-22T12:00:00+00:00"


def test_the_key_of_a_subscription_is_never_shown() -> None:
    change = Change("lists.[ut1].url", "https://lists.test/a?key=s3cret", "https://lists.test/b?key=s3cret2", False)
    shown = "\n".join(reports.difference_lines([change])) + json.dumps(reports.difference_json([change]))
    assert "s3cret" not in shown
    assert "https://lists.test/b?" in shown


def test_a_file_in_the_way_of_the_state_dir(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, said in (("file", 1), ("file/below", 1), ("new/folder", 0), (".", 0)):
        found = reports.unusable_state(settings().model_copy(update={"state_dir": tmp_path / name}))
        assert [f"{tmp_path}/file is not a folder" in line for line in found] == [True] * said
