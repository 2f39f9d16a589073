"""Whether there is room for more of what a client or an origin sends: the sockets' side of proxy/replaced/flow.py."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mitmproxy.proxy.layers.http import HttpLayer

from proxy.replaced import flow

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from mitmproxy.connection import Client, Connection
    from mitmproxy.proxy.context import Context
    from mitmproxy.proxy.server import ConnectionIO


class Room:
    """The sockets of one client and its origins. `window` is what one message may have on its way, in bytes."""

    def __init__(
        self, client: Client, transports: MutableMapping[Connection, ConnectionIO], context: Context, window: int
    ) -> None:
        self._client = client
        self._transports = transports
        self._context = context
        self._window = window
        self._has_moved = asyncio.Event()

    async def wait_for(self, read: Connection) -> None:
        """Wait, in the task that reads a connection, until there is room for more of what it sends.

        Never for the other direction: what opens it may have to be read here (reference/engine.md, item 6). Stock
        waits for every connection, under one lock.
        """
        for connection in list(self._transports):
            if self._holds_up(connection, read):
                await self.drained(connection)
        while (http := self.http) is not None and flow.full(http, read, self._window):
            self._has_moved.clear()
            await self._has_moved.wait()

    def _holds_up(self, connection: Connection, read: Connection) -> bool:
        """Whether what was written to one connection may stop another from being read.

        Its own only where it does not read what it asks for. Origins do not stop an HTTP/2 client: it is stopped
        stream by stream.
        """
        if connection is read:
            socket = self._socket(connection)
            return socket is not None and socket.get_write_buffer_size() > self._window
        return connection is self._client or (read is self._client and self._client.alpn != b"h2")

    def _socket(self, connection: Connection) -> asyncio.WriteTransport | None:
        transport = self._transports.get(connection)
        writer = None if transport is None else transport.writer
        return writer.transport if isinstance(writer, asyncio.StreamWriter) else None

    async def drained(self, connection: Connection) -> None:
        """Wait until what was written to a connection has left, or the connection has gone."""
        transport = self._transports.get(connection)
        if transport is None or transport.writer is None:
            return
        try:
            await transport.writer.drain()
        except OSError as error:
            if transport.handler is not None:
                transport.handler.cancel(f"Error sending data: {error}")

    def has_room(self, connection: Connection) -> bool:
        """Say whether more may be written to a connection; True also where it has gone."""
        socket = self._socket(connection)
        return (
            socket is None
            or socket.is_closing()
            or socket.get_write_buffer_size() <= socket.get_write_buffer_limits()[1]
        )

    def moved(self) -> None:
        """Wake whoever waits for something to leave."""
        self._has_moved.set()

    @property
    def idle(self) -> bool:
        """Whether nothing of an answer waits for the client's windows."""
        return self.http is None or flow.idle(self.http)

    @property
    def http(self) -> HttpLayer | None:
        """The layer that speaks HTTP, once there is one."""
        return next((each for each in self._context.layers if isinstance(each, HttpLayer)), None)
