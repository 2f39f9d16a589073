"""Unpack gzip from a stranger, member by member.

The standard library's GzipFile takes as many members as there are, 25 million in a download of the largest size: 50 MiB
of empty ones took 42 s. zlib itself holds the check sum and the length at a member's end against what came.
"""

from __future__ import annotations

import zlib
from typing import Protocol

#: Most members one after the other; tools that pack in blocks make one for 64 KiB.
MEMBERS_CAP = 100_000
_CHUNK = 1 << 17
_GZIP = 16 + zlib.MAX_WBITS


class Readable(Protocol):
    """Something that gives at most `size` of its next bytes, and none at its end."""

    def read(self, size: int, /) -> bytes: ...  # noqa: D102


class Gunzip:
    """What a gzip stream holds. `read` raises zlib.error when it is damaged and EOFError when it is cut off."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._member = zlib.decompressobj(_GZIP)
        self._members = 1
        self._packed = b""
        self._ahead = b""

    def peek(self, size: int) -> bytes:
        """The first bytes of what `read` gives next, perhaps fewer than `size`."""
        self._ahead = self._ahead or self.read(size)
        return self._ahead[:size]

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        while not (self._member.eof and not self._next_member()):
            self._packed = self._packed or self._stream.read(_CHUNK)
            if not self._packed:
                raise EOFError("the stream ends inside a member")
            data = self._member.decompress(self._packed, size)
            self._packed = self._member.unconsumed_tail or self._member.unused_data
            if data:
                return data
        return b""

    def _next_member(self) -> bool:
        """Go on with the next member; False at the end. Zeros between members are padding, as gzip has it."""
        while not (rest := self._packed.lstrip(b"\0")):
            self._packed = self._stream.read(_CHUNK)
            if not self._packed:
                return False
        self._members += 1
        if self._members > MEMBERS_CAP:
            raise zlib.error("more members than a list is packed in")
        self._packed, self._member = rest, zlib.decompressobj(_GZIP)
        return True
