"""Bringing records from the segments of a spool into the day files, each exactly once, whatever fails meanwhile."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import stat
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final

from usage_log.day_files import DayRefused, day_bytes, day_of
from usage_log.frames import TIME
from usage_log.retention import UnknownRule, delete_day, expired_days
from usage_log.segments import CHUNK, Chunk, Placed, has_news, quarantine, read_chunk
from usage_log.spool import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from usage_log.day_store import DayStore
    from usage_log.frames import Stamped
    from usage_log.metrics import Metrics

log = logging.getLogger(__name__)

#: Seconds: between two looks at a spool (less would store few records at a time, and a transaction costs as much as a
#: hundred of them), the longest wait after a failure, and for the last records at the end.
POLL: Final = 0.25
LONGEST_WAIT: Final = 5.0
DRAIN: Final = 8.0  # less than the supervisor waits before it kills
_HOUSEKEEPING: Final = 600.0
_SAY_AGAIN: Final = 30.0

#: A look at the spool that takes longer hangs, in seconds: a locked database is given up after two.
_STUCK: Final = 15.0

#: A half-made segment this old (seconds) belongs to a worker that died while making it.
_ABANDONED: Final = 60.0

_STORE_ERRORS: Final = (sqlite3.Error, DayRefused, OSError)


class RetentionUnknown(Exception):
    """The rule for records cannot be read; then nothing is deleted."""


@dataclass(slots=True)
class Tail:
    """How far one segment has been read. `waiting` is the time of its first record known to be unread, microseconds."""

    path: Path
    offset: int = 0
    days: set[date] = field(default_factory=set)
    finished: bool = False
    caught_up: bool = False
    waiting: int | None = None


def _nobody(rows: list[Stamped]) -> None:
    """Nobody wants to hear of the records that were stored."""


class Collector:
    """Tails all segments of a spool into a store. One at a time: the caller holds the spool's lock."""

    def __init__(
        self,
        spool: Path,
        log_directory: Path,
        store: DayStore,
        metrics: Metrics,
        see: Callable[[list[Stamped]], None] = _nobody,
    ) -> None:
        """Use `see` to hear of all records as they are stored."""
        self._spool = spool
        self._log_directory = log_directory
        self._store = store
        self._metrics = metrics
        self._see = see
        metrics.oldest_unread.set_function(lambda: self.oldest_unread)
        metrics.day_bytes.set_function(lambda: day_bytes(log_directory, datetime.now(UTC).date()))
        self._tails: dict[str, Tail] = {}
        self._left_alone: set[Path] = set()
        self._trouble: str | None = None
        self._said = 0.0
        self._behind = True  # a segment holds more than the last look could read
        self._oldest: int | None = None  # time of the oldest record that is known to be unread, microseconds
        self._looked = time.monotonic()  # when the last look at the spool ended

    @property
    def trouble(self) -> str | None:
        """Why records wait in the spool; None while they are stored."""
        waited = time.monotonic() - self._looked
        if self._trouble is None and waited > _STUCK:
            return f"one look at the spool has taken {waited:.0f} s so far: the disk, or a lock on the day file"
        return self._trouble

    @property
    def caught_up(self) -> bool:
        """True when the last look at the spool left nothing unread."""
        return not self._behind and self._trouble is None

    @property
    def oldest_unread(self) -> float:
        """The age of the oldest record that is known to wait, in seconds; 0 where none does."""
        return 0.0 if self._oldest is None else max(0.0, time.time() - self._oldest / 1e6)

    async def run(self, stop: asyncio.Event, retention: Callable[[], str | None]) -> None:
        """Collect until `stop`, then bring in what is left. `retention` returns the rule, or None to keep all.

        It may raise RetentionUnknown; then all is kept, and said.
        """
        wait, next_housekeeping = POLL, 0.0
        while not stop.is_set():
            if time.monotonic() >= next_housekeeping:
                await self.housekeeping(retention)
                next_housekeeping = time.monotonic() + _HOUSEKEEPING
            await self.sweep()
            wait = min(2 * wait, LONGEST_WAIT) if self._trouble else POLL
            if self._trouble or not self._behind:
                await _wait_for(stop, wait)
        await self._drain()

    async def sweep(self) -> bool:
        """Read each writer's segments once; True when records came in. Failures are said and remembered, never raised.

        A writer's later segments wait while an earlier one is behind: read side by side, all of them would have to be
        stored before the first could be deleted, and a disk that is nearly full has no room for that.
        """
        moved, trouble, behind = False, None, set[str]()
        for tail in await asyncio.to_thread(self._with_news):
            writer = tail.path.name.rpartition("-")[0]
            if writer in behind:
                continue
            try:
                moved = await self._advance(tail) or moved
                await self._remove_if_finished(tail)
                if not tail.caught_up:
                    behind.add(writer)
            except _STORE_ERRORS as error:
                trouble = f"cannot store records: {error}; they wait in the spool"
                self._metrics.troubles.inc()
        self._say(trouble)
        self._measure()
        return moved

    async def housekeeping(self, retention: Callable[[], str | None]) -> None:
        """Delete the days whose retention is over, and what dead workers left half-made. Failures are said."""
        try:
            await asyncio.to_thread(_remove_abandoned, self._spool)
            rule = await asyncio.to_thread(retention)
            for day in expired_days(self._log_directory, rule) if rule else []:
                await self._store.release(day)
                delete_day(self._log_directory, day)
                log.warning("deleted the records of %s: retention %s", day, rule)
        except (OSError, RetentionUnknown, UnknownRule) as error:
            log.error("housekeeping: %s", error)

    def _with_news(self) -> list[Tail]:
        """Return the tails that are worth a read: one hop to a thread for the whole spool, and no task beside it."""
        present = {path.name: path for path in sorted(self._spool.glob(f"*{SUFFIX}")) if self._is_segment(path)}
        for name in self._tails.keys() - present.keys():
            del self._tails[name]
        for name in present:
            self._tails.setdefault(name, Tail(present[name]))
        return [tail for tail in self._tails.values() if _has_news(tail)]

    def _is_segment(self, path: Path) -> bool:
        """Leave alone, and say once, what has the name of a segment and is something else."""
        regular = _is_regular(path)
        if not regular and path not in self._left_alone:
            self._left_alone.add(path)
            log.error("%s: this is no file, so no records are read from it: move it away", path)
        return regular

    async def _advance(self, tail: Tail) -> bool:
        try:
            chunk = await asyncio.to_thread(read_chunk, tail.path, tail.offset)
        except FileNotFoundError:
            return False  # a worker removed its unused segment
        if chunk.frames:
            tail.waiting = chunk.frames[0].stamped[TIME]
            await self._store_frames(tail, chunk.frames)
            tail.waiting = chunk.frames[-1].stamped[TIME]
        await self._set_damage_aside(tail, chunk)
        read = chunk.end - tail.offset
        tail.offset, tail.finished = chunk.end, chunk.finished
        tail.caught_up = read < CHUNK // 2 and not chunk.damage  # else there may be more that could not be read at once
        return read > 0

    async def _store_frames(self, tail: Tail, frames: Iterable[Placed]) -> None:
        for day, group in groupby(frames, key=lambda frame: day_of(frame.stamped[TIME])):
            tail.days.add(day)
            stored = await self._store.add(day, tail.path.name, list(group))
            self._metrics.count(stored)
            self._see(stored)
        self._metrics.last_commit.set_to_current_time()

    async def _set_damage_aside(self, tail: Tail, chunk: Chunk) -> None:
        if chunk.damage is None:
            return
        corrupt = self._spool / "corrupt"
        kept = await asyncio.to_thread(quarantine, corrupt, tail.path.name, chunk.damage)
        self._metrics.corrupt.inc()
        log.error(
            "%s: damaged at byte %d; %d bytes kept in %s", tail.path, chunk.damage.start, len(chunk.damage.data), kept
        )

    async def _remove_if_finished(self, tail: Tail) -> None:
        """Delete a segment once its rows are on the disk: until then a power cut may take them back."""
        if not tail.finished:
            return
        for day in sorted(tail.days):
            if not await self._store.checkpoint(day):
                return
        tail.path.unlink(missing_ok=True)
        del self._tails[tail.path.name]

    async def _drain(self) -> None:
        deadline = time.monotonic() + DRAIN
        while time.monotonic() < deadline:
            moved = await self.sweep()
            if not moved and not self._trouble:
                return
            if self._trouble:
                await asyncio.sleep(POLL)
        log.warning("ended with records left in the spool; the next start stores them")

    def _say(self, trouble: str | None) -> None:
        now = time.monotonic()
        if trouble and (self._trouble is None or now - self._said > _SAY_AGAIN):
            log.error(trouble)
            self._said = now
        if self._trouble and not trouble:
            log.warning("records are being stored again")
        self._trouble = trouble

    def _measure(self) -> None:
        behind = [tail for tail in self._tails.values() if not tail.caught_up]
        self._behind = bool(behind)
        self._metrics.backlog.set(sum(max(0, _size(tail.path) - tail.offset) for tail in behind))
        self._oldest = min((tail.waiting for tail in behind if tail.waiting is not None), default=None)
        self._looked = time.monotonic()


def _has_news(tail: Tail) -> bool:
    try:
        tail.caught_up = not has_news(tail.path, tail.offset)
    except FileNotFoundError:
        return False  # a worker removed its unused segment
    except OSError:
        return True  # reading it will say why
    return not tail.caught_up


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return True  # removed at this moment; reading it finds that out


async def _wait_for(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _remove_abandoned(spool: Path) -> None:
    for path in spool.glob("*.new"):
        if _is_regular(path) and time.time() - path.stat().st_mtime > _ABANDONED:
            path.unlink(missing_ok=True)
