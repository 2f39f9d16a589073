"""The chunked coding, read strictly (RFC 9112, section 7.1): what another reader might take otherwise is refused.

Stock reads with h11, which takes an extension of any size, and a trailer section that ends in bare line feeds; and
mitmproxy crashes at a trailer field. Extensions and trailers end here: the next hop gets a frame of ours.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import h11

if TYPE_CHECKING:
    from h11._receivebuffer import ReceiveBuffer

#: A chunk's first line: 16 digits are more than any body; of extensions no more is read than clients send.
LINE_BYTES = 1024
#: All trailer fields together.
TRAILER_BYTES = 16_384

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\x00\r\n]*\r\n")


class MalformedChunk(h11.RemoteProtocolError):
    """The body is not in the chunked coding. The message is in words of ours."""


class ChunkReader:
    """Reads one body from a buffer, as h11's readers do: data, the end, or None where more has to come."""

    def __init__(self) -> None:
        self._left = 0  # bytes of the chunk
        self._closing = 0  # bytes of the CRLF behind it
        self._trailer: int | None = None  # bytes of the trailer section, once there is one

    def __call__(self, buffer: ReceiveBuffer) -> h11.Data | h11.EndOfMessage | None:
        """Read as far as the next piece of data goes.

        Raises MalformedChunk.
        """
        while self._left == 0:
            if self._trailer is not None:
                return self._read_trailer(buffer)
            if not self._close(buffer) or not self._open(buffer):
                return None
        data = buffer.maybe_extract_at_most(self._left)
        if data is None:
            return None
        self._left -= len(data)
        return h11.Data(data=bytes(data))

    def read_eof(self) -> h11.EndOfMessage:
        """Refuse an end in the middle."""
        raise MalformedChunk("the connection was closed within a body")

    def _close(self, buffer: ReceiveBuffer) -> bool:
        """Take the CRLF behind a chunk."""
        while self._closing:
            found = buffer.maybe_extract_at_most(1)
            if found is None:
                return False
            if bytes(found) != (b"\n" if self._closing == 1 else b"\r"):
                raise MalformedChunk("a chunk is longer than its size")
            self._closing -= 1
        return True

    def _open(self, buffer: ReceiveBuffer) -> bool:
        """Take a chunk's first line."""
        line = _line(buffer, LINE_BYTES)
        if line is None:
            return False
        found = _SIZE.fullmatch(line)
        if found is None:
            raise MalformedChunk("a chunk's size that cannot be read")
        self._left, self._closing = int(found[1], 16), 2
        if self._left == 0:
            self._trailer = 0
        return True

    def _read_trailer(self, buffer: ReceiveBuffer) -> h11.EndOfMessage | None:
        """Drop trailer fields (RFC 9110, section 6.5.1, allows it), up to the empty line."""
        assert self._trailer is not None  # noqa: S101  # the caller has looked
        while (line := _line(buffer, TRAILER_BYTES - self._trailer)) is not None:
            if line == b"\r\n":
                return h11.EndOfMessage()
            if not _TRAILER.fullmatch(line):
                raise MalformedChunk("a trailer field that cannot be read")
            self._trailer += len(line)
        return None


def _line(buffer: ReceiveBuffer, most: int) -> bytes | None:
    """Take one line with its CRLF; None where it has not come whole."""
    line = buffer.maybe_extract_next_line()
    if (len(buffer) if line is None else len(line)) > most:
        raise MalformedChunk("a line between chunks that is too long")
    return None if line is None else bytes(line)
