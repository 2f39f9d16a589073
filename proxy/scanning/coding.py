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

#: What one piece of a body may grow to, in bytes. A read brings 64 KiB at most, so a text that grows 64 times still
#: goes through; it is what one core does in some 20 ms before a bomb is seen.
GROWTH = 4 * 1024 * 1024

#: More codings than this, one over another, nobody has a use for.
_LAYERS = 3

#: Browsers take no larger window (RFC 9659).
_ZSTD_WINDOW = 8 * 1024 * 1024

#: zstd has no bound on what it gives for what it takes: it is fed so little that it gives 16 MiB at most.
_ZSTD_BITE = 512

#: Written by servers that mean "as it is".
_NONE = frozenset({"", "identity", "none", "utf-8", "binary", "8bit", "aws-chunked"})

#: The codings that we undo, and so the only ones that an origin is asked for.
CODINGS = ("gzip", "deflate", "br", "zstd")


class _TooMuch(Exception):
    """A piece grows beyond GROWTH."""


class _Broken(Exception):
    """These bytes are not of this coding."""


class _Layer(Protocol):
    def take(self, data: bytes) -> bytes:
        """Undo the coding of one more piece. Raises _Broken, _TooMuch."""


class _Inflate:
    """gzip (31) and deflate (15, or -15 where zlib's frame is left out)."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._inner: zlib._Decompress | None = None
        self._ended = False

    def take(self, data: bytes) -> bytes:
        found: list[bytes] = []
        left = GROWTH
        while data and not self._ended:
            inner = self._inner or self._begun(data)
            try:
                piece = inner.decompress(data, left)
            except zlib.error as error:
                if not found:
                    raise _Broken from error
                self._ended = True  # junk behind a member: what came before it stands
                break
            self._inner = inner
            found.append(piece)
            left -= len(piece)
            if left <= 0:
                raise _TooMuch
            data = inner.unconsumed_tail
            if inner.eof:
                self._end(data := inner.unused_data)
        return b"".join(found)

    def _begun(self, data: bytes) -> zlib._Decompress:
        framed = data[0] & 0x0F == 8 and (len(data) < 2 or (data[0] << 8 | data[1]) % 31 == 0)
        return zlib.decompressobj(-15 if self._window == 15 and not framed else self._window)

    def _end(self, rest: bytes) -> None:
        """Go on with the next member of gzip, or leave what stands behind the last one."""
        self._inner = None
        self._ended = self._window == 15 or (bool(rest) and not b"\x1f\x8b".startswith(rest[:2]))


class _Brotli:
    def __init__(self) -> None:
        self._inner = brotli.Decompressor()

    def take(self, data: bytes) -> bytes:
        found: list[bytes] = []
        left = GROWTH
        try:
            while not self._inner.is_finished():
                piece = self._inner.process(data, output_buffer_limit=left)
                found.append(piece)
                left -= len(piece)
                if left <= 0:
                    raise _TooMuch
                if self._inner.can_accept_more_data():
                    break
                data = b""
        except brotli.error as error:
            raise _Broken from error
        return b"".join(found)


class _Zstd:
    def __init__(self) -> None:
        made = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._inner = made.decompressobj(read_across_frames=True)

    def take(self, data: bytes) -> bytes:
        found: list[bytes] = []
        left = GROWTH
        try:
            for start in range(0, len(data), _ZSTD_BITE):
                piece = self._inner.decompress(data[start : start + _ZSTD_BITE])
                found.append(piece)
                left -= len(piece)
                if left <= 0:
                    raise _TooMuch
        except zstandard.ZstdError as error:
            raise _Broken from error
        return b"".join(found)


_LAYER: dict[str, Callable[[], _Layer]] = {
    "gzip": lambda: _Inflate(31),
    "x-gzip": lambda: _Inflate(31),
    "deflate": lambda: _Inflate(15),
    "br": _Brotli,
    "zstd": _Zstd,
}


class Decoder:
    """Undoes what Content-Encoding names, `trouble` saying why it cannot. What does not begin as it says is as it is.

    A client that knows no codings takes such a body for what it is.
    """

    def __init__(self, codings: str) -> None:
        names = [name.strip().lower() for name in codings[:256].split(",")]
        names = [name for name in names if name not in _NONE]
        self.trouble: Trouble | None = None
        self._layers: list[_Layer] = []
        self._taken = b""  # what nothing came out of yet
        self._given = False
        if len(names) > _LAYERS or any(name not in _LAYER for name in names):
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
        try:
            plain = data
            for layer in self._layers:
                plain = layer.take(plain)
        except _TooMuch:
            self.trouble = Trouble.BOMB
            return b""
        except _Broken:
            self.trouble = Trouble.BROKEN
            if self._given:
                return b""
            self._layers = []
            return self._taken
        self._given = self._given or bool(plain)
        return plain


def asked_for(accepted: str) -> str:
    """Give the Accept-Encoding that goes to the origin: what the client takes, without what we cannot undo.

    A `*` would let the origin choose any coding.
    """
    kept = [part.strip() for part in accepted.split(",") if _name(part) in (*CODINGS, "x-gzip", "identity")]
    return ", ".join(kept) if kept else "identity"


def _name(part: str) -> str:
    return part.partition(";")[0].strip().lower()
