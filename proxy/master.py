"""mitmproxy, lean and fail-closed: no default addons, no port of its own, and every hook through one dispatcher.

Stock mitmproxy logs an exception in a hook as "Addon error" and delivers the traffic (reference/mitmproxy.md,
section 0). Here hooks do not go through its addon manager at all: a handler hands each one to `Dispatcher`, which
turns an exception, a stray cancellation or five seconds without an answer into a block.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mitmproxy import options
from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import events, layers, server
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler
from mitmproxy.proxy.mode_specs import ProxyMode

from proxy import failing
from proxy.dispatcher import Dispatcher
from proxy.failing import is_ours, reset
from proxy.recording import TIMEOUT
from proxy.replaced.addons import Master, Proxyserver
from proxy.replaced.flow import WhenRoom
from proxy.replaced.http2 import Leave
from proxy.room import Room

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mitmproxy.connection import Connection
    from mitmproxy.proxy.commands import RequestWakeup, StartHook
    from mitmproxy.proxy.events import Event

    from proxy.dispatcher import Begun, Hooks
    from proxy.flow_facts import Tunnel
    from proxy.recording import Exchange
    from proxy.replaced.driver import Waiting
    from proxy.tls_config import BreakwaterTlsConfig

#: The connection that the running task reads.
_READ: ContextVar[Connection] = ContextVar("read")

#: How often a quiet connection is looked at, in seconds.
_LOOK_SECONDS = 15.0

log = logging.getLogger(__name__)


class IdleWatch(server.TimeoutWatchdog):
    """Ends a connection on which nothing has moved for `seconds()`.

    Stock has one time for everything and reads the wall clock, which an administrator or NTP may step
    (reference/engine.md, item 11).
    """

    def __init__(self, seconds: Callable[[], float], callback: Callable[[], Awaitable[None]]) -> None:
        super().__init__(0, callback)
        self._seconds = seconds
        self.register_activity()

    def register_activity(self) -> None:
        """Begin to wait anew."""
        self.last_activity = time.monotonic()

    async def watch(self) -> None:
        """Wait until nothing has moved for too long, and no hook is at work."""
        while True:
            await self.can_timeout.wait()
            left = self._seconds() - (time.monotonic() - self.last_activity)
            if left <= 0:
                await self.callback()
                return
            await asyncio.sleep(min(left, _LOOK_SECONDS))  # the limit changes when a request begins or ends


class Handler(ProxyConnectionHandler):
    """One client connection inside mitmproxy. `tunnel` is set where the front answered its CONNECT."""

    def __init__(
        self, engine: Engine, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tunnel: Tunnel | None
    ) -> None:
        super().__init__(engine.master, reader, writer, engine.options, engine.mode)  # type: ignore[no-untyped-call]
        self._dispatcher = engine.dispatcher
        self._times = engine.times
        self.timeout_watchdog = IdleWatch(self._idle_seconds, self.on_timeout)
        self.tunnel = tunnel
        self.exchanges: set[Exchange] = set()
        self.draining = False
        self.ended_by: str | None = None  # the outcome of what is cut off, where it was we who closed the connection
        self._injected: set[asyncio.Task[None]] = set()
        self.waiting: Waiting | None = None  # events in their turn, while one is handled (proxy/replaced/driver.py)
        self.is_cut = False
        context = self.layer.context
        if tunnel is None:
            self.layer = layers.modes.HttpProxy(context)
        else:
            context.server.address = (tunnel.host, tunnel.port)
            self.layer = layers.modes.TransparentProxy(context)
        self.room = Room(self.client, self.transports, context, engine.window())

    def _idle_seconds(self) -> float:
        """Wait longer while something is under way: a WebSocket, or an answer that the origin takes its time over."""
        return self._times.busy if self.exchanges else self._times.kept

    @property
    def client_ip(self) -> str:
        """The client's address."""
        return str(self.client.peername[0])

    async def handle_connection(self, connection: Connection) -> None:
        """Read a connection for its whole life. Its task is known from the start: an eager one may close it at once."""
        self.transports[connection].handler = asyncio.current_task()
        _READ.set(connection)
        await super().handle_connection(connection)

    async def drain_writers(self) -> None:
        """Wait until there is room for more of what the running task reads."""
        await self.room.wait_for(_READ.get())

    async def wakeup(self, request: RequestWakeup) -> None:
        """Wake a layer, after a time or when there is room."""
        if isinstance(request, WhenRoom):
            await self.room.drained(request.connection)
            request.delay = 0
        await super().wakeup(request)

    async def leave(self) -> None:
        """Let an HTTP/2 client know that no further request is taken here: its open ones go on."""
        http = self.room.http
        if http is not None and self.client.alpn == b"h2" and self.client in http.connections:
            command = Leave(0)
            http.command_sources[command] = http.connections[self.client]
            await self.server_event(events.Wakeup(command))

    @property
    def idle(self) -> bool:
        """Whether no request is under way, and nothing of an answer waits for the client's window."""
        return not self.exchanges and self.room.idle

    def hears(self, hook: str) -> bool:
        """Say whether the filter has anything to do at a hook."""
        return self._dispatcher.hears(hook)

    async def handle_hook(self, hook: StartHook) -> None:
        """Hand the hook to the dispatcher."""
        begun = self.begin_hook(hook)
        if begun is not None:
            await self.finish_hook(hook, begun)

    def begin_hook(self, hook: StartHook) -> Begun | None:
        """Run a hook as far as it goes without waiting; give what is left of it for `finish_hook`."""
        (data,) = hook.args()
        return self._dispatcher.begin(self, hook.name, data)

    async def finish_hook(self, hook: StartHook, begun: Begun) -> None:
        """Wait for a hook that has begun, with the idle timer stopped."""
        with self.timeout_watchdog.disarm():
            (data,) = hook.args()
            await self._dispatcher.finish(self, hook.name, data, begun)

    def close(self, why: str) -> None:
        """Close the client's connection, and all behind it. `why` is the outcome of what that cuts off."""
        self.ended_by = self.ended_by or why
        self._close()

    async def on_timeout(self) -> None:
        """Close a connection on which nothing has moved for too long."""
        self.ended_by = self.ended_by or TIMEOUT
        await super().on_timeout()

    def _close(self) -> None:
        io = self.transports.get(self.client)
        if io is not None and io.handler is not None:
            self.close_connection(self.client)

    def inject(self, event: Event) -> None:
        """Hand mitmproxy's layers an event of ours, in its turn."""
        task = asyncio.create_task(self.server_event(event))
        self._injected.add(task)
        task.add_done_callback(self._injected.discard)

    def reset(self) -> None:
        """End the client's connection in a reset, not in an orderly close."""
        io = self.transports.get(self.client)
        if io is not None and isinstance(io.writer, asyncio.StreamWriter):
            reset(io.writer.transport)

    def cut(self) -> None:
        """End everything at once: nothing is read, sent or forwarded any more, and no answer looks whole."""
        self.is_cut = True
        for io in list(self.transports.values()):
            if isinstance(io.writer, asyncio.StreamWriter):  # not yet there while an origin is dialled
                reset(io.writer.transport)
        self.client.state = ConnectionState.CLOSED  # else its end would be waited for, as a half-closed client's
        self._close()

    async def server_event(self, event: Event) -> None:
        """Hand an event to mitmproxy's layers. Behind a cut none is: what they would do then was never judged."""
        if self.is_cut:
            return
        try:
            await super().server_event(event)
        except asyncio.CancelledError as error:
            if is_ours():
                raise
            self.log("a layer was cancelled", exc_info=error)

    def log(self, message: str, level: int = logging.INFO, exc_info: Any = None) -> None:
        """Cut the connection where mitmproxy reports a crash of its own: stock leaves it hanging, half answered."""
        if exc_info:
            log.error("%s", message, exc_info=(error := sys.exception() or RuntimeError(message)))
            self._dispatcher.cut(self, None, "layer", error)


@dataclass(frozen=True, slots=True)
class Times:
    """How long something may take, in seconds."""

    kept: float  # a silent connection that waits for its next request
    busy: float  # a silent connection with a request under way
    name: float  # the look-up of a name, inside a hook


class Engine:
    """The one mitmproxy of a worker."""

    def __init__(self, hooks: Hooks, tls_config: BreakwaterTlsConfig, times: Times, window: Callable[[], int]) -> None:
        self.times = times
        self.window = window  # bytes of one message that may be on their way, as the settings in force say
        self.options = options.Options(server=False)
        self.master = Master(self.options)
        self.master._legacy_log_events.uninstall()  # it keeps every log line as an event
        self.master.addons.add(Proxyserver(), tls_config)  # for the options that they declare
        self.options.update(
            connection_strategy="lazy",
            http3=False,
            rawtcp=False,
            ssl_insecure=False,
            upstream_cert=False,
            validate_inbound_headers=True,
        )
        self.mode = ProxyMode.parse("regular")
        self.dispatcher = Dispatcher(hooks, failing.HOOK_SECONDS + times.name)
        self.handlers: set[Handler] = set()

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tunnel: Tunnel | None = None
    ) -> None:
        """Handle a client connection for its whole life."""
        handler = Handler(self, reader, writer, tunnel)
        self.handlers.add(handler)
        try:
            await handler.handle_client()
        finally:
            self.handlers.discard(handler)
