"""Reading a spool segment that a worker may still be writing, and setting damaged bytes aside."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from usage_log.frames import HEADER, MAGIC, MAX_PAYLOAD, BadFrame, Stamped, decode, next_frame

if TYPE_CHECKING:
    from pathlib import Path

#: Read at once, in bytes: some two thousand records, and always more than one frame.
CHUNK: Final = 512 * 1024
_LONGEST_FRAME: Final = HEADER.size + MAX_PAYLOAD


class Placed(NamedTuple):  # a tuple is made in a third of the time, and there is one for each record
    """A record and the offset in its segment at which its frame ends."""

    end: int
    stamped: Stamped


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a segment that are no frames: torn by a kill in the write, or hurt on the disk. A hole is empty."""

    start: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one read gave. `end` is where to go on; `finished` says that nothing is left and nothing will come."""

    frames: tuple[Placed, ...]
    end: int
    finished: bool = False
    damage: Damage | None = None


def has_news(path: Path, offset: int) -> bool:
    """Say whether a read at `offset` could bring anything: bytes, or the end. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(fd, 1, offset) not in (b"", b"\0") or _writer_is_gone(fd)
    finally:
        os.close(fd)


def read_chunk(path: Path, offset: int, limit: int = CHUNK) -> Chunk:
    """Read the frames that lie at `offset`. Raises OSError.

    While its writer lives, a frame that does not decode is one that is being written: wait. Once the writer is gone it
    is damage, and reading goes on at the next good frame.
    """
    with path.open("rb", buffering=0) as file:
        closed = _writer_is_gone(file)
        buffer = os.pread(file.fileno(), limit, offset)
        frames, stop = _frames(buffer, offset)
        if not closed:
            return Chunk(frames, offset + stop)
        last = offset + len(buffer) >= os.fstat(file.fileno()).st_size
        if not last and len(buffer) - stop < _LONGEST_FRAME:
            return Chunk(frames, offset + stop)
        if _is_zero_from(file, offset + stop):
            return Chunk(frames, offset + stop, finished=True)
        return _damaged(buffer, offset, stop, frames, last=last)


def _damaged(buffer: bytes, offset: int, stop: int, frames: tuple[Placed, ...], *, last: bool) -> Chunk:
    good = next_frame(buffer, stop + 1)
    if good is None:  # behind this point a good frame could be cut by the end of the buffer
        good = len(buffer) if last else max(stop + 1, len(buffer) - _LONGEST_FRAME)
    damage = Damage(offset + stop, buffer[stop:good].rstrip(b"\0"))
    return Chunk(frames, offset + good, damage=damage)


def _frames(buffer: bytes, offset: int) -> tuple[tuple[Placed, ...], int]:
    frames: list[Placed] = []
    start = 0
    while buffer.startswith(MAGIC, start):
        try:
            stamped, start = decode(buffer, start)
        except BadFrame:
            break
        frames.append(Placed(offset + start, stamped))
    return tuple(frames), start


def _writer_is_gone(file: IO[bytes] | int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_zero_from(file: IO[bytes], offset: int) -> bool:
    while data := os.pread(file.fileno(), CHUNK, offset):
        if data.strip(b"\0"):
            return False
        offset += len(data)
    return True


def quarantine(directory: Path, segment: str, damage: Damage) -> Path:
    """Keep damaged bytes as a file in `directory`; return its path. Doing it twice changes nothing. Raises OSError."""
    directory.mkdir(mode=0o700, exist_ok=True)
    path = directory / f"{segment}-{damage.start}.bin"
    unfinished = path.with_suffix(".new")
    fd = os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(damage.data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    return path
