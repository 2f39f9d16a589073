"""Reading the moments that a person types: `2026-11-22`, `2026-11-22 14:30`, RFC 3339, `today`, `90m`, `24h`, `7d`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_AGO: Final = re.compile(r"([0-9]{1,5})([mhd])", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class MomentRefused(ValueError):
    """What somebody typed is no moment. The message is one line, and says what to write."""


def parse_since(text: str, zone: tzinfo, now: datetime | None = None) -> datetime:
    """Return the moment at which a period begins; a day is its first. Raises MomentRefused, one line."""
    return _parsed(text, zone, now or datetime.now(UTC), timedelta())


def parse_until(text: str, zone: tzinfo, now: datetime | None = None) -> datetime:
    """Return the moment before which a period ends; a day is its last, so "today" holds today. Raises MomentRefused."""
    return _parsed(text, zone, now or datetime.now(UTC), timedelta(days=1))


def period(since: str | None, until: str | None, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """Return the moments between which a question asks; None for an end that is left open. Raises MomentRefused."""
    return (
        parse_since(since, zone) if since is not None else None,
        parse_until(until, zone) if until is not None else None,
    )


def _parsed(text: str, zone: tzinfo, now: datetime, of_a_day: timedelta) -> datetime:
    """`of_a_day` is added, on the wall clock, where the text names a whole day."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - int(ago[1]) * _UNITS[ago[2]]
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    days = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        moment = days.get(text) or datetime.fromisoformat(text)
        whole_day = text in days or _DAY.fullmatch(text) is not None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return (moment + (of_a_day if whole_day else timedelta())).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MomentRefused(
            f'"{text[:40]}" is no time: write 2026-11-22, "2026-11-22 14:30", today, yesterday, or 90m, 24h, 7d ago'
        ) from error
