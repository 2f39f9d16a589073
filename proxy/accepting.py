"""Takes connections from the shared listening sockets, one a turn of the loop, and loses none when it stops.

`loop.sock_accept` in a task would: a connection that was accepted in the turn in which the task is cancelled is
dropped. Here a connection is accepted and handed on in one call.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from config.proxy_settings import Limits
    from proxy.listening import Shared

log = logging.getLogger(__name__)

#: A socket that cannot be accepted from is left alone for this long, in seconds.
_PAUSE_SECONDS = 0.1

#: A full worker says so this often at most, in seconds.
_SAY_SECONDS = 60.0


class Accepting:
    """Accepts from `listeners` and gives each connection the protocol that `make` makes for its listener.

    A connection whose descriptor is `ceiling` or higher is closed at once. `limits()` are the district's: a client has
    `head_seconds` for the TLS of a listener, and may be at it `connections_per_client` times at once.
    """

    def __init__(
        self,
        listeners: list[Shared],
        make: Callable[[Shared], asyncio.Protocol],
        limits: Callable[[], Limits],
        ceiling: int,
    ) -> None:
        self._listeners = listeners
        self._make = make
        self._limits = limits
        self._ceiling = ceiling
        self._greeting: set[asyncio.Task[None]] = set()
        self._shaking: Counter[str] = Counter()  # TLS handshakes by client: only then does the front count it
        self._say_again = 0.0
        self._stopped = False
        self.taken = 0

    @property
    def greeting(self) -> int:
        """Connections that are accepted but have no protocol yet: TLS is being spoken."""
        return len(self._greeting)

    def start(self) -> None:
        """Accept from now on."""
        for listener in self._listeners:
            self._watch(listener)

    def stop(self) -> None:
        """Accept no more: what waits in the queue is for the other workers. What was accepted is served."""
        self._stopped = True
        for listener in self._listeners:
            asyncio.get_running_loop().remove_reader(listener.socket)
            listener.socket.close()

    def _watch(self, listener: Shared) -> None:
        if not self._stopped:
            asyncio.get_running_loop().add_reader(listener.socket, self._take, listener)

    def _take(self, listener: Shared) -> None:
        """Take one connection only, so that the workers share them evenly (reference/engine.md, item 2)."""
        try:
            connection, peer = listener.socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # another worker was quicker, or the client has gone already
        except OSError as error:  # out of descriptors or memory: the socket stays readable, and this must not spin
            self._say(f"cannot take a connection: {error.strerror}")
            loop = asyncio.get_running_loop()
            loop.remove_reader(listener.socket)
            loop.call_later(_PAUSE_SECONDS, self._watch, listener)
            return
        if connection.fileno() >= self._ceiling:
            self._say("a connection is refused: too many descriptors are open")
            connection.close()
            return
        self.taken += 1
        if listener.tls is None:
            self._keep(self._greet(connection, listener, None))
        elif self._shaking[peer[0]] < self._limits().connections_per_client:
            self._keep(self._shake(connection, listener, peer[0]))
        else:
            connection.close()

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._greeting.add(task)
        task.add_done_callback(self._greeting.discard)

    async def _shake(self, connection: socket.socket, listener: Shared, client: str) -> None:
        self._shaking[client] += 1
        try:
            await self._greet(connection, listener, self._limits().head_seconds)
        finally:
            self._shaking[client] -= 1
            if not self._shaking[client]:
                del self._shaking[client]

    async def _greet(self, connection: socket.socket, listener: Shared, seconds: float | None) -> None:
        connection.setblocking(False)
        with contextlib.suppress(OSError):  # a client that does not finish TLS has asked nothing
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().connect_accepted_socket(
                partial(self._make, listener), connection, ssl=listener.tls, ssl_handshake_timeout=seconds
            )

    def _say(self, message: str) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._say_again:
            self._say_again = now + _SAY_SECONDS
            log.warning("%s", message)
