from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.usage_log.records import record
from tests.usage_log.stored import files_limited_to, store
from usage_log.day_files import day_path
from usage_log.day_reader import Filter, LogUnreadable, condition, days_of, reading

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = date(2026, 11, 22)
_TEXT = st.none() | st.text(st.characters(codec=None), max_size=30) | st.just("\udcff")


@given(category=_TEXT, action=_TEXT, reason=_TEXT, host=_TEXT, school=_TEXT)
def test_no_text_of_a_question_becomes_sql(**texts: str | None) -> None:
    where, values = condition(Filter(**texts), ("(time, rowid) < (?, ?)", (1, 2)))
    assert set(where) <= set("abcdefghijklmnopqrstuvwxyzANDOR(),-?=<1 ")
    assert where.count("?") == len(values)
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE decision (time, category, action, reason, host, school)")
    database.execute(f"SELECT * FROM decision WHERE {where}", values)
    database.close()


def test_a_question_touches_the_utc_days_of_its_period(tmp_path: Path) -> None:
    for day in ("2026-11-21", "2026-11-22", "2026-11-23"):
        (tmp_path / f"{day}.db").write_bytes(b"x")
    evening = datetime(2026, 11, 22, 20, tzinfo=timezone(timedelta(hours=-8)))  # the 23rd in UTC
    assert days_of(tmp_path, Filter(since=evening)) == [date(2026, 11, 23)]
    assert days_of(tmp_path, Filter(until=NOON)) == [date(2026, 11, 21), DAY]
    assert len(days_of(tmp_path, Filter())) == 3


def test_a_day_is_opened_for_reading_only(tmp_path: Path) -> None:
    store(tmp_path, record(time=int(NOON.timestamp()) * 1_000_000))
    with pytest.raises(LogUnreadable, match="readonly"), reading(tmp_path / "log", DAY) as database:
        database.execute("DELETE FROM decision")
    with pytest.raises(LogUnreadable, match="unable to open"), reading(tmp_path / "log", date(2026, 11, 23)):
        pass
    assert not (tmp_path / "log" / "2026-11-23.db").exists()


def test_a_path_with_signs_of_a_uri_is_that_path(tmp_path: Path) -> None:
    odd = tmp_path / "a?mode=rwc#b%20c"
    store(odd, record(time=int(NOON.timestamp()) * 1_000_000))
    with reading(odd / "log", DAY) as database:
        assert database.execute("SELECT count(*) FROM decision").fetchone()[0] == 1


def count(tmp_path: Path) -> int:
    with reading(tmp_path / "log", DAY) as database:
        found: int = database.execute("SELECT count(*) FROM decision").fetchone()[0]
    return found


def test_a_day_at_rest_is_read_without_room_to_write(tmp_path: Path) -> None:
    store(tmp_path, record(time=int(NOON.timestamp()) * 1_000_000))
    with files_limited_to(0):
        assert count(tmp_path) == 1
    assert [path.name for path in (tmp_path / "log").glob("*.db")] == ["2026-11-22.db"]
    assert count(tmp_path) == 1


def test_a_day_that_cannot_be_read_whole_without_room_says_what_to_do(tmp_path: Path) -> None:
    store(tmp_path, record(time=int(NOON.timestamp()) * 1_000_000))
    path = day_path(tmp_path / "log", DAY)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("DELETE FROM decision")
        ahead = path.with_name(f"{path.name}-wal").read_bytes()
    for left in path.parent.glob("*-shm"):
        left.unlink()
    path.with_name(f"{path.name}-wal").write_bytes(ahead)  # as a collector leaves it that finds no room
    with files_limited_to(0), pytest.raises(LogUnreadable, match="room on its volume: make some, and try again"):
        count(tmp_path)
    assert count(tmp_path) == 0


def test_a_day_that_is_written_to_while_it_is_read_without_room_is_not_trusted(tmp_path: Path) -> None:
    store(tmp_path, record(time=int(NOON.timestamp()) * 1_000_000))
    path, stack = day_path(tmp_path / "log", DAY), ExitStack()
    with files_limited_to(0):
        stack.enter_context(reading(tmp_path / "log", DAY))
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("DELETE FROM decision")
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with pytest.raises(LogUnreadable, match="written to while it was read: try again"):
        stack.close()
