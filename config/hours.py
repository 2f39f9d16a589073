"""Named hours of the week, "Mon-Fri 07:30-16:00": read once, asked on every request. Wall-clock time, no zones here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(r"([A-Za-z,\- ]{3,60}?) +([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")
_MIDNIGHT = 24 * 60


class HoursUnreadable(ValueError):
    """Hours that cannot be read. One line."""


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` up to, not including, `end`, in minutes after midnight, on each of `days` (Monday is 0).

    Where `end` is not after `start` the window ends on the next day.
    """

    days: frozenset[int]
    start: int
    end: int

    def covers(self, day: int, minute: int) -> bool:
        """True when the minute of the weekday is inside."""
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        return (day in self.days and minute >= self.start) or ((day - 1) % 7 in self.days and minute < self.end)


@dataclass(frozen=True, slots=True)
class Hours:
    """A named set of windows."""

    windows: tuple[Window, ...]

    def covers(self, local: datetime) -> bool:
        """True when this time is inside; `local` is the district's wall clock.

        An hour that the change to winter time repeats counts twice; one that summer time skips never comes.
        """
        minute = local.hour * 60 + local.minute
        return any(window.covers(local.weekday(), minute) for window in self.windows)


def parse_hours(text: str) -> Hours:
    """Read "Mon-Fri 07:30-16:00", several joined by ";". Raises HoursUnreadable."""
    return Hours(tuple(_window(part.strip()) for part in text.split(";")))


def _window(text: str) -> Window:
    parts = _WINDOW.fullmatch(text)
    if not parts:
        raise HoursUnreadable(f'"{text}" is not readable; write "Mon-Fri 07:30-16:00"')
    start, end = _minute(parts[2], parts[3]), _minute(parts[4], parts[5])
    if start in (end, _MIDNIGHT):
        raise HoursUnreadable(f'"{text}": nothing lies between start and end')
    return Window(_days(parts[1]), start, end)


def _minute(hour: str, minute: str) -> int:
    value = int(hour) * 60 + int(minute)
    if int(minute) > 59 or value > _MIDNIGHT:
        raise HoursUnreadable(f"{hour}:{minute} is no time of day")
    return value


def _days(text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        start = _day(first)
        days.update(_span(start, _day(last) if dash else start))
    return frozenset(days)


def _span(first: int, last: int) -> set[int]:
    """The days from first to last, over the end of the week where last comes before first."""
    return {(first + step) % 7 for step in range((last - first) % 7 + 1)}


def _day(text: str) -> int:
    name = text.strip().lower()
    if name not in _DAYS:
        raise HoursUnreadable(f'"{text.strip()}" is no day; the days are Mon Tue Wed Thu Fri Sat Sun')
    return _DAYS.index(name)
