"""Day files for the tests of this folder, written the way the collector writes them."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING

from usage_log.day_files import APPLICATION_ID, RECORD_COLUMNS, STAMP_COLUMNS, day_of, day_path
from usage_log.day_store import DayStore
from usage_log.frames import Stamped
from usage_log.segments import Placed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from usage_log.record import DecisionRecord


def store(state_dir: Path, *records: DecisionRecord) -> None:
    """Store records under a state directory, seq 1 and up."""
    asyncio.run(_store(state_dir, records))


async def _store(state_dir: Path, records: tuple[DecisionRecord, ...]) -> None:
    placed = [Placed(seq, Stamped("n1", 0, 1, seq, record)) for seq, record in enumerate(records, 1)]
    async with DayStore(state_dir / "log") as days:
        for day, group in groupby(placed, key=lambda one: day_of(one.stamped.record.time)):
            await days.add(day, "1.seg", list(group))


def before(directory: Path, day: date, *records: DecisionRecord) -> None:
    """Write a day file as the version before this one did: schema 1, without search terms."""
    directory.mkdir(mode=0o700, exist_ok=True)
    new = {"search_terms"}
    names = [*STAMP_COLUMNS, *(name for name in RECORD_COLUMNS if name not in new)]
    columns = ", ".join(f'"{name}"' for name in names)
    database = sqlite3.connect(day_path(directory, day))
    database.executescript(
        f"CREATE TABLE decision ({columns}); PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;"
        "CREATE TABLE spool_position (segment TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    )
    for seq, record in enumerate(records, 1):
        row = Stamped("n1", 0, 1, seq, record)[: len(names)]
        database.execute(f"INSERT INTO decision VALUES ({', '.join('?' * len(names))})", row)
    database.commit()
    database.close()


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Refuse every file that would grow over `size` bytes, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
