"""Closing behind an answer that the client has not read yet.

A socket that is closed with unread bytes in it is reset, and a reset may take from the client the answer that was on
its way. So after the answer only our side ends; what still comes is read and dropped, for a moment (RFC 9112,
section 9.6). A moment only: a client that uploads does not look for an answer before its writing fails.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: How long a client may go on sending behind our last answer, in seconds.
LINGER_SECONDS = 0.5

#: How long it may take to read that answer, in seconds.
_TAKE_SECONDS = 30.0

#: How much of what it sends is read, in bytes: more would be work that a client gives us for nothing.
_LINGER_BYTES = 1_048_576


def close_behind_answer(transport: asyncio.Transport, lost: Callable[[], None]) -> None:
    """Close a connection in the way described above, and call `lost` once it is gone."""
    if transport.is_closing():
        lost()
        return
    transport.set_protocol(_Dropping(transport, lost))
    transport.resume_reading()
    if transport.can_write_eof():
        with contextlib.suppress(OSError):  # the client has gone: ENOTCONN
            transport.write_eof()


class LingeringWriter(asyncio.StreamWriter):
    """A StreamWriter that closes behind an answer, unless its reader has seen the client's end."""

    def __init__(
        self, transport: asyncio.Transport, protocol: asyncio.StreamReaderProtocol, reader: asyncio.StreamReader
    ) -> None:
        super().__init__(transport, protocol, reader, asyncio.get_running_loop())
        self._client = transport
        self._said = reader
        self._ended = asyncio.Event()
        self._closing = False

    def close(self) -> None:
        """Begin to close. Later calls do nothing."""
        if self._closing:
            return
        self._closing = True
        if self._said.at_eof():
            self._client.close()
            self._ended.set()
        else:
            close_behind_answer(self._client, self._ended.set)

    def is_closing(self) -> bool:
        """Tell whether nothing more may be written."""
        return self._closing or super().is_closing()

    async def wait_closed(self) -> None:
        """Wait until the client is gone."""
        await self._ended.wait()


class _Dropping(asyncio.Protocol):
    """Drops what comes, until the client ends or the moment is over."""

    def __init__(self, transport: asyncio.Transport, lost: Callable[[], None]) -> None:
        self._transport = transport
        self._lost = lost
        self._left = _LINGER_BYTES
        loop = asyncio.get_running_loop()
        self._timers = (
            loop.call_later(LINGER_SECONDS, transport.close),
            loop.call_later(_TAKE_SECONDS, transport.abort),  # a closed transport waits for its buffer to leave
        )

    def data_received(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            self._transport.pause_reading()

    def connection_lost(self, _: Exception | None) -> None:
        for timer in self._timers:
            timer.cancel()
        self._lost()
