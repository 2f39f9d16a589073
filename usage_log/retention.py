"""When a day's records may be deleted, and deleting them: a day is a file, and the file is unlinked.

A rule counts from the end of the UTC day, so that no record is kept for less than the rule says.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from usage_log.day_files import companions, day_path, stored_days

if TYPE_CHECKING:
    from pathlib import Path

_RULE: Final = re.compile(r"([1-9][0-9]{0,4})([dy])", re.ASCII)
_THIRD_JULY_1: Final = "third-july-1"


class UnknownRule(ValueError):
    """A retention rule that is none of "third-july-1", "90d", "10y"."""


def deletable_from(day: date, rule: str) -> date:
    """Return the first UTC day on which the records of `day` may be deleted; date.max when there is none.

    "third-july-1" follows the usual minimum for disposable records in California (5 CCR 16027): until after the third
    1 July behind the calendar year of creation. Raises UnknownRule.
    """
    if rule == _THIRD_JULY_1:
        return _in_calendar(day.year + 3, 7, 2)
    match = _RULE.fullmatch(rule)
    if match is None:
        raise UnknownRule(f'retention rule "{rule}": write "third-july-1", a number of days "90d" or of years "10y"')
    count = int(match[1])
    if match[2] == "d":
        return _later(day, count + 1)
    return _later(_in_calendar(day.year + count, day.month, day.day), 1)


def _in_calendar(year: int, month: int, day: int) -> date:
    if year > date.max.year:
        return date.max
    if (month, day) == (2, 29) and not (year % 4 == 0 and (year % 100 or year % 400 == 0)):
        month, day = 3, 1
    return date(year, month, day)


def _later(day: date, days: int) -> date:
    return date.max if (date.max - day).days < days else day + timedelta(days=days)


def expired_days(directory: Path, rule: str, today: date | None = None) -> list[date]:
    """Return the stored days that may be deleted now (UTC), oldest first. Raises UnknownRule."""
    today = today or datetime.now(UTC).date()
    return [day for day in stored_days(directory) if deletable_from(day, rule) <= today]


def delete_day(directory: Path, day: date) -> None:
    """Delete a day's file with what SQLite keeps beside it. Raises OSError.

    The file itself goes last: a write-ahead log must never be left for a later file of the same name.
    """
    for part in reversed(companions(day_path(directory, day))):
        part.unlink(missing_ok=True)
