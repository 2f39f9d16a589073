from __future__ import annotations

import sqlite3
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tests.usage_log.records import record
from tests.usage_log.stored import before, store
from usage_log.day_files import DayRefused, day_path
from usage_log.day_reader import Filter, LogUnreadable
from usage_log.pseudonyms import Pseudonyms
from usage_log.queries import CaseNeeded, audit_rows, by_id, newest, refuse_user
from usage_log.record import DecisionRecord, new_id, unrecorded_row

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def at(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def hosts(state_dir: Path, wanted: Filter, limit: int | None = None) -> list[str]:
    return [row.record.host for row in audit_rows(state_dir, wanted, limit)]


def test_a_row_names_nobody(tmp_path: Path) -> None:
    sent = record(
        time=at(NOON),
        user="jane.roe",
        client="10.1.2.3",
        device="janes-laptop",
        path="/private/letter",
        detail="jane.roe from 10.1.2.3",
        page="start.example.test",
        search_terms="my diagnosis",
    )
    store(tmp_path, sent)
    (row,) = audit_rows(tmp_path, Filter())
    got = row.record
    assert (got.client, got.path, got.detail, got.search_terms) == ("", "", None, None)
    assert got.user == Pseudonyms(tmp_path / "audit-keys").of("jane.roe", at(NOON))
    assert got.device not in (None, "janes-laptop", got.user)
    same = {field.name for field in fields(DecisionRecord)} - {"client", "path", "detail", "user", "device"}
    same.remove("search_terms")
    assert {name: getattr(got, name) for name in same} == {name: getattr(sent, name) for name in same}
    assert (row.node, row.seq) == ("n1", 1)


def test_a_day_of_an_older_version_is_read_as_it_is(tmp_path: Path) -> None:
    sent = record(time=at(NOON), action="block", reason="category.games")
    before(tmp_path / "log", NOON.date(), sent)
    (row,) = audit_rows(tmp_path, Filter())
    assert (row.record.id, row.record.host, row.record.search_terms) == (sent.id, sent.host, None)
    assert [one.record.id for one in newest(tmp_path / "log", Pseudonyms(tmp_path / "keys"), Filter(), 5)] == [sent.id]
    found = by_id(tmp_path, sent.id, NOON.date())
    assert found is not None
    assert found.record.reason == "category.games"
    database = sqlite3.connect(day_path(tmp_path / "log", NOON.date()))
    assert database.execute("PRAGMA user_version").fetchone() == (1,)
    database.close()


@pytest.mark.parametrize(
    ("reason", "before", "after"),
    [
        ("default", "", ""),
        ("error.usage-log", "jane.roe ", ""),
        ("error.usage-log", "", " jane.roe"),
        ("error.usage-log", "", "\njane.roe"),
    ],
)
def test_a_detail_is_shown_where_it_is_our_own_to_the_letter(
    tmp_path: Path, reason: str, before: str, after: str
) -> None:
    ours = unrecorded_row(8328, at(NOON), 7)
    store(tmp_path, ours, replace(ours, reason=reason, detail=f"{before}{ours.detail}{after}"))
    assert [row.record.detail for row in audit_rows(tmp_path, Filter())] == [ours.detail, None]


def test_nobody_stays_nobody(tmp_path: Path) -> None:
    store(tmp_path, record(time=at(NOON), user=None))
    assert [row.record.user for row in audit_rows(tmp_path, Filter())] == [None]


def test_there_is_no_way_to_ask_for_a_user() -> None:
    assert {field.name for field in fields(Filter)} == {
        "since",
        "until",
        "category",
        "action",
        "reason",
        "host",
        "school",
    }
    refuse_user(None)
    for name in ("jane.roe", ""):
        with pytest.raises(CaseNeeded, match="needs an approved case; not built yet"):
            refuse_user(name)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["a.test", "b.test", "www.b.test", "c.test", "d.test"]),
        ({"host": "b.test"}, ["b.test"]),
        ({"host": "B.TEST."}, ["b.test"]),
        ({"host": ".b.test"}, ["b.test", "www.b.test"]),
        ({"host": ".test"}, ["a.test", "b.test", "www.b.test", "c.test", "d.test"]),
        ({"host": "%.test"}, []),
        ({"host": "x' OR '1'='1"}, []),
        ({"host": ""}, []),
        ({"category": "gambling"}, ["c.test"]),
        ({"action": "block"}, ["c.test", "d.test"]),
        ({"reason": "category"}, ["c.test"]),
        ({"reason": "category.gambling"}, ["c.test"]),
        ({"reason": "category.*"}, ["c.test"]),
        ({"reason": "cat"}, []),
        ({"reason": "bypass"}, ["d.test"]),
        ({"reason": "bypass%"}, []),
        ({"school": "adams"}, ["b.test"]),
        ({"since": NOON + timedelta(minutes=1)}, ["b.test", "www.b.test", "c.test", "d.test"]),
        ({"until": NOON + timedelta(minutes=1)}, ["a.test"]),
        (
            {"since": datetime(2026, 11, 22, 4, 1, tzinfo=ZoneInfo("America/Los_Angeles"))},
            ["b.test", "www.b.test", "c.test", "d.test"],
        ),
        ({"since": NOON + timedelta(days=1), "until": NOON + timedelta(days=2)}, ["d.test"]),
        ({"since": NOON - timedelta(days=9), "until": NOON - timedelta(days=8)}, []),
        ({"action": "block", "school": "lincoln", "host": "c.test"}, ["c.test"]),
    ],
)
def test_filters(tmp_path: Path, wanted: dict[str, Any], found: list[str]) -> None:
    def minute(number: int) -> int:
        return at(NOON + timedelta(minutes=number))

    store(
        tmp_path,
        record(time=minute(2), host="www.b.test"),  # workers' records come out of order
        record(time=minute(0), host="a.test"),
        record(time=minute(1), host="b.test", school="adams"),
        record(time=minute(3), host="c.test", action="block", category="gambling", reason="category.gambling"),
        record(time=minute(1500), host="d.test", action="block", reason="bypass.ip-literal"),
    )
    assert hosts(tmp_path, Filter(**wanted)) == found
    assert hosts(tmp_path, Filter(**wanted), 100) == found
    assert hosts(tmp_path, Filter(**wanted), 2) == found[-2:]


def test_pages_of_rows_follow_each_other_across_days_and_equal_times(tmp_path: Path) -> None:
    times = [at(NOON + timedelta(hours=6 * (number // 3))) for number in range(20)]
    store(tmp_path, *(record(time=time, host=f"h{number}.test") for number, time in enumerate(times)))
    seen, cursor = [], None
    names = Pseudonyms(tmp_path / "audit-keys")
    while page := newest(tmp_path / "log", names, Filter(), 3, cursor):
        seen += [row.record.host for row in page]
        cursor = page[-1].cursor
    assert seen == [f"h{number}.test" for number in reversed(range(20))]
    assert newest(tmp_path / "log", names, Filter(), 0) == []


def test_a_block_is_found_by_its_id_for_thirty_days_without_the_person(tmp_path: Path) -> None:
    today = date(2026, 12, 22)
    late, early, allowed = new_id(), new_id(), new_id()
    block = {"action": "block", "reason": "category.gambling", "device": "d", "detail": "jane.roe"}
    store(
        tmp_path,
        record(id=late, time=at(NOON), **block),
        record(id=late, time=at(NOON) + 1, event="end", **block),
        record(id=allowed, time=at(NOON)),
        record(id=early, time=at(NOON - timedelta(days=1)), **block),
    )
    row = by_id(tmp_path, f" {late.lower()} ", today)
    assert row is not None
    assert row.seq == 1
    found = row.record
    assert (found.event, found.host, found.reason) == ("decision", "www.example.test", "category.gambling")
    assert (found.user, found.client, found.path, found.device, found.detail) == (None, "", "", None, None)
    for other in (early, allowed, new_id(), "", "%", "' OR 1 --"):
        assert by_id(tmp_path, other, today) is None


def test_the_id_of_a_block_is_looked_up_in_an_index(tmp_path: Path) -> None:
    store(tmp_path, record(time=at(NOON)))
    database = sqlite3.connect(day_path(tmp_path / "log", NOON.date()))
    for question, index in (
        ("id = ? AND action = 'block' AND event = 'decision'", "decision_id"),
        ("host = ? AND time > 1", "decision_host"),
    ):
        plan = database.execute(f"EXPLAIN QUERY PLAN SELECT * FROM decision WHERE {question}", ("x",)).fetchall()
        assert index in str([tuple(step) for step in plan])
    database.close()


def test_an_empty_log_has_no_rows(tmp_path: Path) -> None:
    assert hosts(tmp_path, Filter()) == []
    assert by_id(tmp_path, new_id()) is None
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "2026-11-22.db").write_bytes(b"")  # being made at this moment
    assert hosts(tmp_path, Filter()) == []


def test_reading_leaves_a_day_as_it_was_and_works_while_it_is_written(tmp_path: Path) -> None:
    store(tmp_path, record(time=at(NOON)))
    path = day_path(tmp_path / "log", NOON.date())
    before = path.read_bytes()
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM decision")
    assert hosts(tmp_path, Filter()) == ["www.example.test"]
    writer.execute("ROLLBACK")
    writer.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize("limit", [None, 5])
def test_a_day_that_cannot_be_read_is_one_line(tmp_path: Path, limit: int | None) -> None:
    store(tmp_path, record(time=at(NOON)))
    path = day_path(tmp_path / "log", NOON.date())
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 3")
    newer.close()
    with pytest.raises(DayRefused, match="its schema is 3, this version knows 2: update"):
        hosts(tmp_path, Filter(), limit)
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(LogUnreadable, match="file is not a database") as refused:
        hosts(tmp_path, Filter(), limit)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_child_abuse_host_is_never_shown_and_no_question_by_host_finds_it(tmp_path: Path) -> None:
    store(
        tmp_path,
        record(time=at(NOON), host="abuse.test", page="abuse.test", category="child-abuse", action="block"),
        record(time=at(NOON + timedelta(minutes=1)), host="other.test"),
    )
    assert hosts(tmp_path, Filter()) == ["", "other.test"]
    assert hosts(tmp_path, Filter(host="abuse.test")) == []
    assert hosts(tmp_path, Filter(host=".test")) == ["other.test"]
    assert all("abuse.test" not in repr(row) for row in audit_rows(tmp_path, Filter()))
