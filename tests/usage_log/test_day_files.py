from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from usage_log.day_files import day_bytes, day_of, day_path, moment_of, stored_days

if TYPE_CHECKING:
    from pathlib import Path

MIDNIGHT = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp()) * 1_000_000


def test_a_day_ends_at_midnight_utc() -> None:
    assert day_of(MIDNIGHT - 1) == date(2026, 11, 22)
    assert day_of(MIDNIGHT) == date(2026, 11, 23)


@given(st.integers(0, 253_402_300_799_000_000))
def test_every_microsecond_of_the_calendar_has_its_moment(time: int) -> None:
    moment = moment_of(time)
    assert int(moment.replace(microsecond=0).timestamp()) * 1_000_000 + moment.microsecond == time
    assert day_of(time) == moment.date()


def test_stored_days_are_files_with_something_in_them_in_order(tmp_path: Path) -> None:
    for name in ("2026-12-01.db", "2026-11-22.db", "2026-11-22.db-wal", "2026-02-30.db", "2026-11-23.db.bak", "x.db"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "2026-11-24.db").touch()  # being made at this moment
    assert stored_days(tmp_path) == [date(2026, 11, 22), date(2026, 12, 1)]
    assert stored_days(tmp_path / "none") == []
    assert day_path(tmp_path, date(2026, 11, 22)).exists()
    assert day_bytes(tmp_path, date(2026, 11, 22)) == 2
    assert day_bytes(tmp_path, date(2026, 11, 25)) == 0
