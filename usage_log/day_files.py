"""The day files: one SQLite database per UTC day, `log/2026-11-22.db`. Names, schema version and columns; no SQL."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from usage_log.record import DecisionRecord

if TYPE_CHECKING:
    from pathlib import Path

#: 1 had no search_terms. A file of before is read as it is; today's is brought up (usage_log/day_store.py).
SCHEMA_VERSION: Final = 2

#: "BWLG": what SQLite's application_id of a day file says, so that no other database is taken for one.
APPLICATION_ID: Final = 0x42574C47

#: One UTC day in microseconds: Unix time has no leap seconds.
DAY: Final = 86_400_000_000
_FIRST_DAY: Final = date(1970, 1, 1).toordinal()

STAMP_COLUMNS: Final = ("node", "worker", "boot", "seq")
RECORD_COLUMNS: Final = tuple(field.name for field in fields(DecisionRecord))


def columns_of(version: int) -> tuple[str, ...]:
    """Return the fields of a record that a day file of this schema has, in their order."""
    return RECORD_COLUMNS if version > 1 else tuple(name for name in RECORD_COLUMNS if name != "search_terms")


class DayRefused(Exception):
    """A day file that this version must not touch. The message is one line: what, where, what to do."""


def check_schema(path: Path, version: int) -> None:
    """Raise DayRefused for a day file of a newer schema."""
    if version > SCHEMA_VERSION:
        raise DayRefused(
            f"{path}: its schema is {version}, this version knows {SCHEMA_VERSION}: update Breakwater on this machine"
        )


def moment_of(time: int) -> datetime:
    """Return a Unix time in microseconds as a moment in UTC, exactly."""
    return datetime.fromtimestamp(time // 1_000_000, UTC).replace(microsecond=time % 1_000_000)


def day_of(time: int) -> date:
    """Return the UTC day of a Unix time in microseconds."""
    return date.fromordinal(_FIRST_DAY + time // DAY)


def day_path(directory: Path, day: date) -> Path:
    """Return the path of a day's file."""
    return directory / f"{day.isoformat()}.db"


def stored_days(directory: Path) -> list[date]:
    """Return the days that have a file, oldest first. Files of other names, and empty ones, are left alone."""
    return sorted(day for path in directory.glob("????-??-??.db") if (day := _named(path)) and _size(path))


def _named(path: Path) -> date | None:
    try:
        return date.fromisoformat(path.stem)
    except ValueError:
        return None


def day_bytes(directory: Path, day: date) -> int:
    """Return what a day takes on the disk, its write-ahead log included."""
    return sum(_size(part) for part in companions(day_path(directory, day)))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def companions(path: Path) -> tuple[Path, Path, Path]:
    """Return a day file, its write-ahead log and its shared-memory file."""
    return path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")
