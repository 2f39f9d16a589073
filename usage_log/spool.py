"""A worker's side of the usage log: one write per record into a file of its own, and nothing that waits.

Segments are preallocated, so a full disk is met while the next one is prepared, off the event loop, and never while
an answer waits (reference/engine.md 10 and 15). A writer holds a lock on each of its segments; the kernel lets go of
it when the worker ends, however it ends, and that is how the collector knows that nothing more will come.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from usage_log.frames import encode, row
from usage_log.record import new_id

if TYPE_CHECKING:
    from pathlib import Path

    from usage_log.record import DecisionRecord

__all__ = ["SUFFIX", "Spool", "SpoolFull", "new_id", "used_bytes"]

SUFFIX: Final = ".seg"

#: About eight seconds of one worker's records at 3,000 a second.
SEGMENT_BYTES: Final = 8 * 1024 * 1024

#: Left free on the volume, so that the collector can still store what lies in the spool: this; or, of a smaller volume,
#: 2 %, and a segment for each writer and one more: a writer's oldest is stored before it is deleted, and some 4 MiB of
#: write-ahead log come on top.
_RESERVE: Final = 256 * 1024 * 1024

#: The end of every segment is kept for one last row, which says how many requests have none: its frame is shorter.
_LAST: Final = 512


class SpoolFull(Exception):
    """The record could not be written. Whoever is waiting for the answer must not get it."""


@dataclass(slots=True)
class _Segment:
    path: Path
    fd: int
    size: int
    used: int = 0


class Spool:
    """The segments of one worker. `append` is for the event loop; `prepare` and `sync` are for a thread.

    `quota_bytes` is for the segments of this worker number, earlier boots included; never over 80 % of the volume.
    `directory` is made if missing (0700); raises OSError if it cannot be. A spool that cannot have a segment is
    still made: `has_room` is False, `problem` says why, and `prepare` tries again.
    """

    def __init__(
        self, directory: Path, node: str, worker: int, quota_bytes: int, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._node = node
        self._worker = worker
        self._quota = quota_bytes
        self._size = segment_bytes
        self._seq = 0
        self._number = 0
        self._current: _Segment | None = None
        self._next: _Segment | None = None
        self._retired: deque[_Segment] = deque()
        self._upkeep = threading.Lock()  # never taken by append
        self.boot = time.time_ns() // 1000
        self.problem: str | None = None
        self.prepare()
        self._advance()
        self.prepare()

    @property
    def has_room(self) -> bool:
        """Whether new requests may be taken: the next segment is there, or is being made in good time."""
        if self._next is not None:
            return True
        current = self._current
        return self.problem is None and current is not None and current.used < current.size // 2

    def append_sparing(self, record: DecisionRecord) -> None:
        """As `append`, but never into the half segment that is kept for the records of what is under way."""
        current = self._current
        if not self.has_room and (current is None or current.used > current.size // 2):
            raise SpoolFull(f"{self._directory}: {self.problem or 'the next segment is not ready'}")
        self.append(record)

    def append(self, record: DecisionRecord) -> None:
        """Write one record. On return it survives the death of this process. Raises SpoolFull; then nothing is kept."""
        self._write(record, _LAST)

    def append_last(self, record: DecisionRecord) -> None:
        """As `append`, into the room that is kept for one last short record too."""
        self._write(record, 0)

    def _write(self, record: DecisionRecord, kept: int) -> None:
        frame = encode(row(self._node, self._worker, self.boot, self._seq + 1, record))
        segment = self._segment_for(len(frame) + kept)
        try:
            written = os.write(segment.fd, frame)
        except OSError as error:
            self._give_up(segment)
            raise SpoolFull(f"{segment.path}: {error.strerror}") from error
        if written != len(frame):
            self._give_up(segment)
            raise SpoolFull(f"{segment.path}: only a part of a record could be written")
        segment.used += written
        self._seq += 1

    def _segment_for(self, length: int) -> _Segment:
        if self._current is None or self._current.used + length > self._current.size:
            self._advance()
        if self._current is None or self._current.used + length > self._current.size:
            raise SpoolFull(f"{self._directory}: {self.problem or 'the next segment is not ready'}")
        return self._current

    def _advance(self) -> None:
        if self._next is None:
            return
        if self._current is not None:
            self._retired.append(self._current)
        self._current, self._next = self._next, None

    def _give_up(self, segment: _Segment) -> None:
        """Write no more behind a torn frame: the record it belonged to was refused, and the next needs clean ground."""
        self._retired.append(segment)
        self._current = None
        self._advance()

    def prepare(self) -> None:
        """Make the next segment if there is none, and let go of full ones. May wait for the disk; call it in a thread.

        Every 100 ms or so is right. It never raises for a full or failing disk: see `has_room` and `problem`.
        """
        with self._upkeep:
            try:
                self._release_retired()
                self._next = self._next or self._allocate()
                self.problem = None
            except OSError as error:
                self.problem = f"no room for the next segment: {error.strerror}"

    def sync(self) -> None:
        """Bring what was written to the disk (fdatasync), so that a power cut costs a second at most. For a thread."""
        with self._upkeep:
            current = self._current
            if current is not None:
                os.fdatasync(current.fd)

    def close(self) -> None:
        """Let go of every segment; an unused one is removed."""
        with self._upkeep:
            current, spare, self._current, self._next = self._current, self._next, None, None
            self.problem = "the spool is closed"
            for segment in (current, spare):
                if segment is not None:
                    self._retired.append(segment)
            self._release_retired()

    def _release_retired(self) -> None:
        while self._retired:
            segment = self._retired.popleft()
            try:
                if segment.used:
                    os.fdatasync(segment.fd)
                else:
                    segment.path.unlink(missing_ok=True)
            finally:
                os.close(segment.fd)

    def _allocate(self) -> _Segment:
        self._demand_room()
        self._number += 1
        path = self._directory / f"{self.boot:016d}-{self._worker:03d}-{self._number:06d}{SUFFIX}"
        unfinished = path.with_suffix(".new")
        fd = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.posix_fallocate(fd, 0, self._size)
            unfinished.rename(path)  # only now may the collector see it: locked and full of zeros
        except OSError:
            os.close(fd)
            with contextlib.suppress(FileNotFoundError):
                unfinished.unlink()
            raise
        return _Segment(path, fd, self._size)

    def _demand_room(self) -> None:
        volume = shutil.disk_usage(self._directory)
        quota = min(self._quota, volume.total * 4 // 5)
        used = used_bytes(self._directory, self._worker)
        if used + self._size > quota:
            raise OSError(0, f"the spool's quota of {quota} bytes is used up ({used} bytes)")
        reserve = min(_RESERVE, max(volume.total // 50, (1 + self._writers()) * self._size))
        if volume.free - self._size < reserve:
            needed = reserve + self._size
            raise OSError(0, f"only {volume.free} bytes are free on the volume, of {needed} that it takes")

    def _writers(self) -> int:
        """Count those whose segments lie in the spool, this one included: workers, and their earlier boots."""
        own = f"{self.boot:016d}-{self._worker:03d}"
        return len({own} | {path.name.rpartition("-")[0] for path in self._directory.glob(f"*{SUFFIX}")})


def used_bytes(directory: Path, worker: int | None = None) -> int:
    """Return the bytes that the segments in a spool take on the disk: of one worker number, or of all."""
    total = 0
    for path in directory.glob(f"*{SUFFIX}" if worker is None else f"*-{worker:03d}-*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):  # the collector removed it meanwhile
            total += path.stat().st_size
    return total
