"""Writing day files: rows and the position in their segment in one transaction, so that each record counts once.

A position belongs to a segment *and a day file*: it says that all frames of the segment before it that are of that day
are in this file. A segment that spans midnight is replayed from its beginning after a crash, and each file skips what
it holds. SQLite's NORMAL may lose its last commits in a power cut; rows and position are lost together and come again
from the segment, which stays until a checkpoint has brought them to the disk (reference/storage.md 1).
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import aiosqlite

from usage_log.day_files import (
    APPLICATION_ID,
    RECORD_COLUMNS,
    SCHEMA_VERSION,
    STAMP_COLUMNS,
    DayRefused,
    check_schema,
    day_path,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path
    from types import TracebackType

    from usage_log.frames import Stamped
    from usage_log.segments import Placed

log = logging.getLogger(__name__)

#: Seconds to wait for a database that another process has locked, before the caller hears of it.
_BUSY: Final = 2.0

#: Open files at most: today, yesterday around midnight, and one for late rows.
_OPEN: Final = 3

_SCHEMA: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE decision (
  node TEXT NOT NULL, worker INTEGER NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL,
  id TEXT NOT NULL, event TEXT NOT NULL, time INTEGER NOT NULL, user TEXT, identity TEXT, client TEXT NOT NULL,
  school TEXT, device TEXT, method TEXT NOT NULL, scheme TEXT NOT NULL, host TEXT NOT NULL, port INTEGER NOT NULL,
  path TEXT NOT NULL, category TEXT, action TEXT NOT NULL, reason TEXT NOT NULL, basis TEXT, list TEXT,
  list_version TEXT, "unblock" TEXT, policy_revision INTEGER NOT NULL, status INTEGER NOT NULL,
  bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL, duration_ms INTEGER NOT NULL, intent TEXT NOT NULL,
  page TEXT, outcome TEXT NOT NULL, detail TEXT, search_terms TEXT
) STRICT;
CREATE INDEX decision_time ON decision(time);
CREATE INDEX decision_host ON decision(host, time);
CREATE INDEX decision_id ON decision(id) WHERE action = 'block' OR event = 'end';
CREATE TABLE spool_position (segment TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""

#: From each older schema to the next one.
_MIGRATIONS: Final = {
    1: "BEGIN IMMEDIATE; ALTER TABLE decision ADD COLUMN search_terms TEXT; PRAGMA user_version = 2; COMMIT;",
}

_COLUMNS: Final = (*STAMP_COLUMNS, *RECORD_COLUMNS)
_INSERT: Final = "INSERT INTO decision ({}) VALUES ({})".format(  # noqa: S608 - the names are the fields of DecisionRecord
    ", ".join(f'"{name}"' for name in _COLUMNS), ", ".join("?" * len(_COLUMNS))
)
_POSITION: Final = "SELECT position FROM spool_position WHERE segment = ?"
_MOVE: Final = (
    "INSERT INTO spool_position VALUES (?, ?) ON CONFLICT (segment) DO UPDATE SET position = excluded.position"
)


@dataclass(frozen=True, slots=True)
class _OpenDay:
    database: aiosqlite.Connection
    inode: int


class DayStore:
    """The day files in a directory, for the one collector. Use it as an asynchronous context manager.

    Its connections have threads that are no daemons: one that is left open keeps the process from ending.
    Methods raise sqlite3.Error (locked, full, damaged: try again) and DayRefused (a newer schema: keep the spool).
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._days: dict[date, _OpenDay] = {}  # the least recently used first

    async def __aenter__(self) -> Self:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for day in list(self._days):
            await self.release(day)

    async def open(self, day: date) -> None:
        """Open or make a day's file, so that what is wrong with it is known before records come."""
        await self._database(day)

    async def add(self, day: date, segment: str, frames: Sequence[Placed]) -> list[Stamped]:
        """Store the frames of one segment that are of `day`, in order; return those that were not yet there."""
        database = await self._database(day)
        await database.execute("BEGIN IMMEDIATE")
        try:
            position = await _position(database, segment)
            fresh = [frame.stamped for frame in frames if frame.end > position]
            await database.executemany(_INSERT, map(tuple, fresh))  # sqlite3 binds a plain tuple in half the time
            await database.execute(_MOVE, (segment, max(position, frames[-1].end)))
            await database.execute("COMMIT")
        except BaseException:
            await _roll_back(database)
            await self.release(day)  # what is wrong with the file may be right when it is opened again
            raise
        return fresh

    async def checkpoint(self, day: date) -> bool:
        """Bring all of a day to the disk; False when a reader held back a part of it. A day without a file has none."""
        if not day_path(self._directory, day).exists():
            return True
        database = await self._database(day)
        async with database.execute("PRAGMA wal_checkpoint(PASSIVE)") as cursor:
            busy, pages, written = await cursor.fetchone() or (1, 0, 0)
        return not busy and pages == written

    async def release(self, day: date) -> None:
        """Close a day's file."""
        opened = self._days.pop(day, None)
        if opened is not None:
            await opened.database.close()

    async def _database(self, day: date) -> aiosqlite.Connection:
        path = day_path(self._directory, day)
        known = self._days.get(day)
        if known is not None and _inode(path) != known.inode:
            log.error("%s was removed or replaced while it was written to", path)
            await self.release(day)
        opened = self._days.pop(day, None) or await _opened(path)
        self._days[day] = opened
        while len(self._days) > _OPEN:
            await self.release(next(iter(self._days)))
        return opened.database


async def _position(database: aiosqlite.Connection, segment: str) -> int:
    rows = await database.execute_fetchall(_POSITION, (segment,))  # one hop to its thread, not three
    return next((int(row[0]) for row in rows), 0)


async def _roll_back(database: aiosqlite.Connection) -> None:
    if database.in_transaction:  # a full disk makes SQLite roll back by itself
        await database.execute("ROLLBACK")


def _inode(path: Path) -> int:
    """Return what tells a file from another of the same name; 0 where there is none."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


async def _opened(path: Path) -> _OpenDay:
    _create_private(path)
    database = await aiosqlite.connect(path, timeout=_BUSY, isolation_level=None)
    try:
        version = await _pragma(database, "user_version")
        check_schema(path, version)
        if version == 0:
            await _create(database, path)
        for older in range(version or SCHEMA_VERSION, SCHEMA_VERSION):
            await database.executescript(_MIGRATIONS[older])
        await database.execute("PRAGMA journal_mode = WAL")
        await database.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        await database.close()
        raise
    return _OpenDay(database, _inode(path))


async def _create(database: aiosqlite.Connection, path: Path) -> None:
    if await _pragma(database, "schema_version"):
        raise DayRefused(f"{path}: this database is no day file of Breakwater: move it away")
    await database.executescript(_SCHEMA)


async def _pragma(database: aiosqlite.Connection, name: str) -> int:
    async with database.execute(f"PRAGMA {name}") as cursor:
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


def _create_private(path: Path) -> None:
    """Make the file 0600 (SQLite gives its mode to -wal and -shm) and its name durable before rows rely on it."""
    if path.exists():
        return
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
