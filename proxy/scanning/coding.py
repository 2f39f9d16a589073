"""Content codings undone piece by piece, within bounds of time and memory. Nothing here raises on hostile bytes.

As browsers do it (RFC 9110, section 8.4; RFC 8878; RFC 7932): gzip in several members and with junk behind them,
`x-gzip`, any case, deflate with and without zlib's frame, several codings one over another.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol

import brotli
import zstandard

from proxy.scanning.answer import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

#: What every body may grow to, in bytes: what one core does in some 20 ms before a bomb is seen.
GROWTH = 4 * 1024 * 1024

#: Beyond that it may be so many times what came: a table of 10 MB that says the same in each row is 150 times its zstd.
_TIMES = 200

#: Beyond so many bytes fewer times: what is decoded and searched is our time.
_LARGE, _LARGE_TIMES = 64 * 1024 * 1024, 64

#: A longer Content-Encoding is no list of codings, in characters.
_LONGEST = 256

#: A longer head of gzip has nobody, in bytes.
_HEAD = 64 * 1024

#: gzip's flags (RFC 1952, section 2.3.1). Those that are reserved say nothing to browsers either.
_HAS_CHECK, _EXTRA, _NAME, _COMMENT = 2, 4, 8, 16

#: More codings than this, one over another, nobody has a use for.
_LAYERS = 3

#: Browsers take no larger window (RFC 9659).
_ZSTD_WINDOW = 8 * 1024 * 1024

#: zstd has no bound on what it gives for what it takes: it is fed so little that it gives 4 MiB at most.
_ZSTD_BITE = 128

#: Written by servers that mean "as it is".
_NONE = frozenset({"", "identity", "none", "utf-8", "binary", "8bit", "aws-chunked"})

#: The codings that we undo, and so the only ones that an origin is asked for.
CODINGS = ("gzip", "deflate", "br", "zstd")


class _TooMuch(Exception):
    """A piece grows beyond what it may."""


class _Layer(Protocol):
    broken: bool  # whether the bytes are not of this coding; what came before that stands

    def take(self, data: bytes, most: int) -> bytes:
        """Undo the coding of one more piece. Raises _TooMuch where it gives more than `most` bytes."""


class _Inflate:
    """gzip and deflate. As browsers do, without a look at the check values at the end, which would let a body pass."""

    def __init__(self, head: Callable[[bytes], int | None], trailer: int) -> None:
        self.broken = False
        self._head_of, self._trailer = head, trailer
        self._head = b""
        self._inner: zlib._Decompress | None = None
        self._skipped = 0  # bytes of a trailer that are still to come
        self._members = 0
        self._ended = False

    def take(self, data: bytes, most: int) -> bytes:
        found: list[bytes] = []
        while data and not self._ended:
            if self._inner is None:
                data = self._begin(data)
                continue
            try:
                piece = self._inner.decompress(data, most + 1)
            except zlib.error:
                self._end_badly()
                break
            found.append(piece)
            most -= len(piece)
            if most < 0:
                raise _TooMuch
            data = self._inner.unconsumed_tail
            if self._inner.eof:
                data = self._inner.unused_data
                self._end_member()
        return b"".join(found)

    def _begin(self, data: bytes) -> bytes:
        """Take the head of a member; what stands behind it."""
        skipped = min(self._skipped, len(data))
        self._skipped -= skipped
        self._head += data[skipped:]
        length = self._head_of(self._head)
        if length is None and len(self._head) <= _HEAD:
            return b""
        if length is None or length < 0:
            self._end_badly()
            return b""
        rest, self._head = self._head[length:], b""
        self._inner = zlib.decompressobj(-15)
        return rest

    def _end_member(self) -> None:
        self._inner = None
        self._members += 1
        self._skipped = self._trailer
        self._ended = self._trailer == 0  # deflate has one member

    def _end_badly(self) -> None:
        """Junk behind a member is none of it; junk before its end is broken."""
        self._ended = True
        self.broken = self._members == 0


def _gzip_head(data: bytes) -> int | None:
    """Give the length of the head of a member; -1 where it is none, None where more has to come."""
    if not data.startswith(b"\x1f\x8b\x08"[: len(data)]):
        return -1
    if len(data) < 10:
        return None
    flags, at = data[3], 10
    if flags & _EXTRA:
        at += 2 + int.from_bytes(data[10:12], "little")
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            at = data.find(b"\0", at) + 1
            if at == 0:
                return None
    at += 2 if flags & _HAS_CHECK else 0
    return at if at <= len(data) else None


def _deflate_head(data: bytes) -> int | None:
    """The same of zlib's frame (RFC 1950), which some servers leave out."""
    if data[0] & 0x0F != 8:
        return 0
    if len(data) < 2:
        return None
    return 2 if (data[0] << 8 | data[1]) % 31 == 0 else 0


class _Brotli:
    def __init__(self) -> None:
        self.broken = False
        self._inner = brotli.Decompressor()

    def take(self, data: bytes, most: int) -> bytes:
        found: list[bytes] = []
        try:
            while not self.broken and not self._inner.is_finished():
                piece = self._inner.process(data, output_buffer_limit=most + 1)
                found.append(piece)
                most -= len(piece)
                if most < 0:
                    raise _TooMuch
                if self._inner.can_accept_more_data():
                    break
                data = b""
        except brotli.error:
            self.broken = True
        return b"".join(found)


class _Zstd:
    def __init__(self) -> None:
        self.broken = False
        made = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._inner = made.decompressobj(read_across_frames=True)

    def take(self, data: bytes, most: int) -> bytes:
        found: list[bytes] = []
        if self.broken:
            return b""
        try:
            for start in range(0, len(data), _ZSTD_BITE):
                piece = self._inner.decompress(data[start : start + _ZSTD_BITE])
                found.append(piece)
                most -= len(piece)
                if most < 0:
                    raise _TooMuch
        except zstandard.ZstdError:
            self.broken = True
        return b"".join(found)


def _gzip() -> _Layer:
    return _Inflate(_gzip_head, 8)


_LAYER: dict[str, Callable[[], _Layer]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": lambda: _Inflate(_deflate_head, 0),
    "br": _Brotli,
    "zstd": _Zstd,
}


class Decoder:
    """Undoes what Content-Encoding names, `trouble` saying why it cannot. What does not begin as it says is as it is.

    A client that knows no codings takes such a body for what it is.
    """

    def __init__(self, codings: str) -> None:
        names = [name.strip().lower() for name in codings.split(",", _LONGEST)]
        names = [name for name in names if name not in _NONE]
        self.trouble: Trouble | None = None
        self._layers: list[_Layer] = []
        self._taken = b""  # what nothing came out of yet
        self._came = self._gave = 0  # bytes, of all layers
        self._given = False
        if len(codings) > _LONGEST or len(names) > _LAYERS or any(name not in _LAYER for name in names):
            self.trouble = Trouble.UNKNOWN
        else:
            self._layers = [_LAYER[name]() for name in reversed(names)]

    def take(self, data: bytes) -> bytes:
        """Give what one more piece says; as it is where it cannot be decoded."""
        if self.trouble is Trouble.BOMB or (self.trouble is Trouble.BROKEN and self._given):
            return b""
        if not self._layers:
            return data
        self._taken = b"" if self._given else self._taken + data
        self._came += len(data)
        try:
            plain = self._undone(data)
        except _TooMuch:
            self.trouble = Trouble.BOMB
            return b""
        self._given = self._given or bool(plain)
        if any(layer.broken for layer in self._layers):
            self.trouble = Trouble.BROKEN
            if not self._given:
                self._layers = []
                return self._taken
        return plain

    def _undone(self, plain: bytes) -> bytes:
        for layer in self._layers:
            plain = layer.take(plain, self._most - self._gave)
            self._gave += len(plain)
        return plain

    @property
    def _most(self) -> int:
        """What all that came may have grown to, in bytes."""
        most = max(GROWTH, self._came * _TIMES)
        return most if most <= _LARGE else max(_LARGE, self._came * _LARGE_TIMES)


def asked_for(accepted: str) -> str:
    """Give the Accept-Encoding that goes to the origin: what the client takes, without what we cannot undo.

    A `*` would let the origin choose any coding.
    """
    kept = [part.strip() for part in accepted.split(",") if _name(part) in (*CODINGS, "x-gzip", "identity")]
    return ", ".join(kept) if kept else "identity"


def _name(part: str) -> str:
    return part.partition(";")[0].strip().lower()
