"""Opening a day file for reading, and the conditions that a question puts to it. All values are bound, none is text."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from categories.taxonomy import CHILD_ABUSE
from usage_log.day_files import check_schema, companions, day_path, stored_days

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Seconds to wait for a database that is locked.
_BUSY: Final = 5.0

#: What SQLite says where it cannot make the file that readers and a writer share (-shm): a full or a read-only volume.
_NO_ROOM: Final = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

type Database = sqlite3.Connection
type Row = sqlite3.Row
type Condition = tuple[str, tuple[str | int, ...]]


class LogUnreadable(Exception):
    """A day file cannot be read. The message is one line: where and what."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What rows to read. `since` is included and `until` is not; both have a time zone.

    A host that begins with a dot covers its sub-domains too; a reason covers its family, as "bypass" does
    "bypass.ip-literal". There is no user here: see usage_log.queries.
    """

    since: datetime | None = None
    until: datetime | None = None
    category: str | None = None
    action: str | None = None
    reason: str | None = None
    host: str | None = None
    school: str | None = None


@contextmanager
def reading(directory: Path, day: date) -> Iterator[Database]:
    """Open a day's file for reading. Raises DayRefused for a newer schema, and LogUnreadable."""
    path = day_path(directory, day)
    try:
        database, still = _opened(path)
        with closing(database):
            database.row_factory = sqlite3.Row
            check_schema(path, database.execute("PRAGMA user_version").fetchone()[0])
            yield database
    except sqlite3.Error as error:
        raise LogUnreadable(f"{path}: {error}") from error
    if still is not None and (_still(path) or ())[:3] != still[:3]:  # a log that only began to fill changed nothing
        raise LogUnreadable(f"{path}: it was written to while it was read: try again")


def _opened(path: Path) -> tuple[Database, _Still | None]:
    """Open a file; where there is no room for what SQLite keeps beside it (-shm), as one that nobody writes to.

    That is right only while it is so: nothing waits in the write-ahead log, and the file stays as it is (_Still).
    """
    uri = path.absolute().as_uri()
    database = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=_BUSY)
    try:
        database.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError as error:
        database.close()
        still = _still(path)
        if error.sqlite_errorcode & 0xFF not in _NO_ROOM or still is None:
            raise
        if still.waiting:
            todo = "reading it takes a little room on its volume: make some, and try again"
            raise LogUnreadable(f"{path}: {error}: {todo}") from error
        return sqlite3.connect(f"{uri}?immutable=1", uri=True), still
    except sqlite3.Error:
        database.close()
        raise
    return database, None


class _Still(NamedTuple):
    """What a day file is at one moment. `waiting` says that its write-ahead log holds something."""

    inode: int
    size: int
    changed: int
    waiting: bool


def _still(path: Path) -> _Still | None:
    _, ahead, _ = companions(path)
    try:
        state = path.stat()
        waiting = ahead.exists() and ahead.stat().st_size > 0
    except FileNotFoundError:
        return None
    return _Still(state.st_ino, state.st_size, state.st_mtime_ns, waiting)


def days_of(directory: Path, wanted: Filter) -> list[date]:
    """Return the stored days (UTC) that a question touches, oldest first."""
    first = wanted.since.astimezone(UTC).date() if wanted.since else date.min
    last = wanted.until.astimezone(UTC).date() if wanted.until else date.max
    return [day for day in stored_days(directory) if first <= day <= last]


def condition(wanted: Filter, *more: Condition) -> Condition:
    """Return a WHERE condition of fixed pieces, and the values for its marks."""
    pieces: list[Condition] = [("1", ()), *more]
    for name in ("category", "action", "school"):
        value = getattr(wanted, name)
        if value is not None:
            pieces.append((f"{name} = ?", (value,)))
    if wanted.since is not None:
        pieces.append(("time >= ?", (microseconds(wanted.since),)))
    if wanted.until is not None:
        pieces.append(("time < ?", (microseconds(wanted.until),)))
    if wanted.reason is not None:
        family = f"{wanted.reason.rstrip('.*')}."
        pieces.append(("(reason = ? OR substr(reason, 1, ?) = ?)", (wanted.reason, len(family), family)))
    if wanted.host is not None:
        # A list of child-abuse hosts is licensed and secret: no question by host says whether one is on it.
        pieces += [_host(wanted.host.lower().rstrip(".")), ("category is not ?", (CHILD_ABUSE,))]
    return " AND ".join(piece for piece, _ in pieces), tuple(_stored(value) for _, values in pieces for value in values)


def _stored(value: str | int) -> str | int:
    """Return text as a frame keeps it, where a terminal gave bytes that are no UTF-8."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _host(host: str) -> Condition:
    if not host.startswith("."):
        return "host = ?", (host,)
    return "(host = ? OR substr(host, -?) = ?)", (host[1:], len(host), host)


def microseconds(moment: datetime) -> int:
    """Return the Unix time of a moment in microseconds."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
