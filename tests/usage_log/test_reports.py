from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from tests.usage_log.records import record
from tests.usage_log.stored import store
from usage_log.acts import ListsAct, record_of
from usage_log.day_reader import Filter
from usage_log.queries import audit_rows
from usage_log.record import unrecorded_row
from usage_log.reports import Form, print_log, print_summary
from usage_log.summary import summary

if TYPE_CHECKING:
    from pathlib import Path

NOON = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()) * 1_000_000 + 7

#: DESIGN.md, "Commands", word for word.
CONTRACT = (
    "id, event, time, node, seq, user, identity, client, school, device, method, scheme, host, port, path, category, "
    "action, reason, basis, list, list_version, unblock, policy_revision, status, bytes_in, bytes_out, duration_ms, "
    "intent, page, outcome, detail"
)

HOSTILE = "\x1b]0;owned\x07\x1b[2J[red]\u202e\n\udcff"


def printed(state_dir: Path, *, as_json: bool, what: str = "log") -> str:
    out = io.StringIO()
    form = Form(out, as_json, ZoneInfo("America/Los_Angeles"))
    if what == "log":
        print_log(audit_rows(state_dir, Filter()), form)
    else:
        print_summary(summary(state_dir, Filter()), form)
    return out.getvalue()


def test_a_json_line_has_the_fields_of_the_contract(tmp_path: Path) -> None:
    store(tmp_path, record(time=NOON, category="gambling"), record(time=NOON + 1))
    first, second = map(json.loads, printed(tmp_path, as_json=True).splitlines())
    assert list(first) == [*CONTRACT.split(", "), "search_terms"]
    assert (first["time"], second["time"]) == ("2026-11-22T12:00:00.000007Z", "2026-11-22T12:00:00.000008Z")
    assert (first["node"], first["seq"], first["category"], first["unblock"]) == ("n1", 1, "gambling", None)
    assert (first["client"], first["path"]) == ("", "")


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("what", ["log", "summary"])
def test_no_report_names_anybody(tmp_path: Path, as_json: bool, what: str) -> None:
    secrets = {"user": "jane.roe", "client": "10.9.8.7", "path": "/private/letter", "device": "janes-laptop"}
    secrets["search_terms"] = "a diagnosis"
    people = [record(time=NOON, detail="jane.roe 10.9.8.7", **secrets)]
    people += [record(time=NOON, **(secrets | {"user": f"jane.roe{number}"})) for number in range(9)]
    store(tmp_path, *people)
    text = printed(tmp_path, as_json=as_json, what=what)
    assert "www.example.test" in text or what == "summary"
    assert not [secret for secret in ("jane", "10.9.8", "letter", "laptop", "diagnosis") if secret in text]


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("what", ["log", "summary"])
def test_what_sites_and_clients_chose_cannot_steer_a_terminal(tmp_path: Path, as_json: bool, what: str) -> None:
    hostile = HOSTILE.encode("utf-8", "backslashreplace").decode()  # as a frame keeps it
    chosen = dict.fromkeys(("host", "reason", "category", "page", "action"), hostile)
    store(tmp_path, *(record(time=NOON, user=f"u{number}", **chosen) for number in range(6)))
    text = printed(tmp_path, as_json=as_json, what=what)
    assert [sign for sign in text if not sign.isprintable() and sign != "\n"] == []
    assert "owned" in text
    assert "[red]" in text


def test_tables_show_local_time_and_few_people_as_such(tmp_path: Path) -> None:
    store(tmp_path, *(record(time=NOON, user=f"u{number}") for number in range(6)), record(time=NOON, category="games"))
    log = printed(tmp_path, as_json=False)
    assert log.count("2026-11-22 04:00:00") == 7
    shown = printed(tmp_path, as_json=False, what="summary")
    assert "7 decisions by 7 users, 2026-11-22 04:00:00 PST" in shown
    assert "fewer than 5 users" in shown


def test_how_many_requests_have_no_record_is_shown_everywhere(tmp_path: Path) -> None:
    store(tmp_path, unrecorded_row(8328, NOON, 7))
    said = "answered while the log had no room: 8328 requests without a record of their own"
    assert said in printed(tmp_path, as_json=False)
    assert json.loads(printed(tmp_path, as_json=True))["detail"] == said
    assert json.loads(printed(tmp_path, as_json=True, what="summary"))["unrecorded"] == 8328
    assert "8,328 requests more, refused while the log had no room" in printed(tmp_path, as_json=False, what="summary")


def test_who_changed_the_lists_is_shown_everywhere_and_is_no_request(tmp_path: Path) -> None:
    act = ListsAct("update", "ann", "weekly [red]", "000007-0123456789abcdef", "9f" * 32, {"malware": (1200, 0)})
    store(tmp_path, record_of(act, datetime(2026, 11, 22, 12, tzinfo=UTC), 7))
    shown = json.loads(printed(tmp_path, as_json=True))
    assert (shown["event"], shown["reason"], shown["user"], shown["action"]) == ("lists", "lists.update", None, "")
    assert json.loads(shown["detail"])["author"] == "ann"
    table = " ".join(printed(tmp_path, as_json=False).split())
    assert "lists changed" in table
    assert "generation 000007-0123456789abcdef by ann (weekly [red])" in table
    counts = json.loads(printed(tmp_path, as_json=True, what="summary"))
    assert (counts["list_changes"], counts["records"], counts["first"]) == (1, 0, None)
    assert "1 times other lists were put into force" in printed(tmp_path, as_json=False, what="summary")


def test_a_summary_as_json_is_one_object(tmp_path: Path) -> None:
    store(tmp_path, *(record(time=NOON, user=f"u{number}") for number in range(6)), record(time=NOON, category="games"))
    shown = json.loads(printed(tmp_path, as_json=True, what="summary"))
    assert (shown["records"], shown["users"], shown["first"]) == (7, 7, "2026-11-22T12:00:00.000007Z")
    assert {name for name in shown if name.startswith("by_")} == {
        f"by_{name}" for name in ("action", "category", "reason", "school", "hour")
    }
    assert shown["by_category"] == [
        {"value": "none", "records": 6, "users": 6, "bytes_in": 60, "bytes_out": 6000},
        {"value": "games", "records": None, "users": None, "bytes_in": None, "bytes_out": None},
    ]


def test_an_empty_log_prints_no_json_and_says_so_in_words(tmp_path: Path) -> None:
    assert printed(tmp_path, as_json=True) == ""
    assert "nothing recorded" in printed(tmp_path, as_json=False, what="summary")
