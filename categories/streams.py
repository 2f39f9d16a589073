"""Reading files that strangers wrote: never more than a cap, whatever they claim to hold."""

from __future__ import annotations

import io
import os
import re
import stat
import tarfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from categories.errors import ListRefused
from categories.generations import UNFINISHED
from categories.gunzip import Gunzip

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from categories.gunzip import Readable

#: Most bytes the files of a list may unpack to (the whole of UT1 is about 250 MB), and longest line, in bytes.
UNPACKED_CAP = 2 * 1024**3
LINE_CAP = 4096

_GZIP = b"\x1f\x8b"
_PACKED = {
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh91AY&SY": "bzip2",
}
#: A page, its XML kind, a fragment of one: no format has a line that begins so.
_PAGE = re.compile(rb"[\xef\xbb\xbf\s]*<[a-z!?/]", re.IGNORECASE)


@dataclass(slots=True)
class Room:
    """How many more bytes may be unpacked; several files may share it."""

    left: int = field(default_factory=lambda: UNPACKED_CAP)


class CappedReader(io.RawIOBase):
    """A stream that refuses to give more than there is `room` for, or `allowance` until that is set anew."""

    def __init__(self, stream: Readable, room: Room, name: str) -> None:
        self._stream = stream
        self._name = name
        self._room = room
        self.allowance = room.left

    def readable(self) -> bool:  # noqa: D102 - io.RawIOBase
        return True

    def readinto(self, buffer: object) -> int:  # noqa: D102 - io.RawIOBase
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # typeshed's name for a writable buffer is private
        data = self._stream.read(len(view))
        self._room.left -= len(data)
        self.allowance -= len(data)
        if self._room.left < 0 or self.allowance < 0:
            raise ListRefused(f"{self._name}: unpacks to more than a list can hold; check where it comes from")
        view[: len(data)] = data
        return len(data)


@contextmanager
def damage_refused(path: Path, name: str) -> Iterator[None]:
    """Turn what a damaged or unreadable file raises into ListRefused."""
    try:
        yield
    except (EOFError, zlib.error, tarfile.TarError, UnicodeError) as damage:
        lasting = not any(part.startswith(UNFINISHED) for part in path.parts)
        what = f"{path} is" if lasting else "is"
        raise ListRefused(f"{name}: {what} truncated or damaged ({type(damage).__name__}); get it again") from damage
    except OSError as problem:
        raise ListRefused(f"{name}: cannot read {path}: {problem.strerror or type(problem).__name__}") from problem


@contextmanager
def unpacked(path: Path, name: str, room: Room | None = None) -> Iterator[CappedReader]:
    """The bytes of a regular file, gunzipped where its first bytes say so. `name` is how errors call it."""
    room = room or Room()
    with damage_refused(path, name):
        # O_NOFOLLOW, O_NONBLOCK: neither a link out of a tree nor a pipe that never answers.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as stream:  # noqa: PTH123 - a descriptor
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ListRefused(f"{name}: {path} is not a regular file")
            head = stream.peek(512)[:512]
            _check_head(head, name)
            if head.startswith(_GZIP):
                inner = Gunzip(stream)
                _check_head(inner.peek(512), name, {_GZIP: "gzip in gzip"})
                yield CappedReader(inner, room, name)
            else:
                yield CappedReader(stream, room, name)


def _check_head(head: bytes, name: str, also: Mapping[bytes, str] = MappingProxyType({})) -> None:
    """Refuse what can be told from its first bytes to be no list."""
    if _PAGE.match(head):
        raise ListRefused(f"{name}: is a web page, not a list; check the address it came from")
    for magic, packing in {**_PACKED, **also}.items():
        if head.startswith(magic):
            raise ListRefused(f"{name}: is packed as {packing}, which is not read; get it plain, or as gzip")


def lines(stream: CappedReader) -> Iterator[bytes]:
    """The lines of a stream, without their ends. Of a line over LINE_CAP bytes the first LINE_CAP + 1 are given."""
    buffered = io.BufferedReader(stream, 1 << 17)
    while line := buffered.readline(LINE_CAP + 2):
        if len(line) == LINE_CAP + 2 and not line.endswith(b"\n"):
            line = line[: LINE_CAP + 1]
            while (rest := buffered.readline(1 << 16)) and not rest.endswith(b"\n"):
                pass
        yield line.rstrip(b"\r\n")
