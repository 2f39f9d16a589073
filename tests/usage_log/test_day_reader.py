from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.usage_log.records import record
from tests.usage_log.stored import store
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
