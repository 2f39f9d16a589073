from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage_log.retention import UnknownRule, deletable_from, delete_day, expired_days

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("day", "rule", "expected"),
    [
        # until after the third 1 July behind the year of creation: 2027, 2028, 2029
        ("2026-01-01", "third-july-1", "2029-07-02"),
        ("2026-06-30", "third-july-1", "2029-07-02"),
        ("2026-07-01", "third-july-1", "2029-07-02"),
        ("2026-11-22", "third-july-1", "2029-07-02"),
        ("2026-12-31", "third-july-1", "2029-07-02"),
        ("2027-01-01", "third-july-1", "2030-07-02"),
        # the last record of the day is 90 days old at the end of 2027-02-20
        ("2026-11-22", "90d", "2027-02-21"),
        ("2026-11-22", "1d", "2026-11-24"),
        ("2026-11-22", "10y", "2036-11-23"),
        ("2024-02-29", "1y", "2025-03-02"),
        ("2024-02-29", "4y", "2028-03-01"),
        ("9999-01-01", "10y", "9999-12-31"),
        ("9999-01-01", "third-july-1", "9999-12-31"),
        ("2026-11-22", "99999d", "2300-09-07"),
        ("2026-11-22", "99999y", "9999-12-31"),
    ],
)
def test_the_first_day_on_which_a_day_may_be_deleted(day: str, rule: str, expected: str) -> None:
    assert deletable_from(date.fromisoformat(day), rule) == date.fromisoformat(expected)


@pytest.mark.parametrize(
    "rule", ["", "90", "d", "0d", "-1d", "1.5y", "90 d", "90D", "٣d", "999999d", "third-july-2", "90d\n"]
)
def test_other_rules_are_refused(rule: str) -> None:
    with pytest.raises(UnknownRule, match='write "third-july-1"'):
        deletable_from(date(2026, 11, 22), rule)


@given(st.dates(max_value=date(9000, 1, 1)), st.integers(1, 900), st.sampled_from("dy"))
def test_no_record_is_kept_for_less_than_its_rule(day: date, count: int, unit: str) -> None:
    kept = deletable_from(day, f"{count}{unit}") - day
    assert kept > timedelta(days=count if unit == "d" else 365 * count)


def test_expired_days_are_files_of_days_and_nothing_else(tmp_path: Path) -> None:
    for name in ("2026-01-01.db", "2026-11-21.db", "2026-13-01.db", "notes-of.db", "2026-01-02.db.bak"):
        (tmp_path / name).write_bytes(b"x")
    assert expired_days(tmp_path, "90d", date(2026, 11, 22)) == [date(2026, 1, 1)]
    (tmp_path / "2026-01-01.db-wal").write_bytes(b"x")
    delete_day(tmp_path, date(2026, 1, 1))
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["2026-01-02.db.bak", "2026-11-21.db", "2026-13-01.db", "notes-of.db"]
