"""Between sockets and layers: hooks run where they are asked for, and what one event sends leaves in one write."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from mitmproxy.proxy import commands
from mitmproxy.proxy.commands import ConnectionCommand, OpenConnection, RequestWakeup, SendData, StartHook
from mitmproxy.proxy.events import HookCompleted
from mitmproxy.proxy.layer import Layer
from mitmproxy.proxy.layers.http import HttpRequestHeadersHook, HttpRequestHook, HttpResponseHeadersHook, HttpStream
from mitmproxy.proxy.server import ConnectionHandler, ConnectionIO

from proxy.replaced.holding import AnswerHeldHook
from proxy.replaced.part import Part

if TYPE_CHECKING:
    from collections.abc import Generator

    from mitmproxy.proxy.events import Event

    from proxy.dispatcher import Begun
    from proxy.master import Handler

    #: Events in their turn, each with what its caller waits for, if any does.
    Waiting = deque[tuple[Event, asyncio.Future[None] | None]]

#: Bytes for one connection that wait for the end of an event; asyncio's own mark for a full buffer.
_TOGETHER = 64 * 1024


class _AtWork:
    """The handler whose layers are running, since they know their context only, and the hook it need not start."""

    handler: Handler | None = None
    started: StartHook | None = None
    ended: StartHook | None = None


_AT_WORK = _AtWork()

#: Tasks of hooks that have to wait: the event loop itself holds them weakly.
_UNDER_WAY: set[asyncio.Task[None]] = set()


def parts() -> tuple[Part, ...]:
    """Give what is replaced here."""
    return (
        Part(
            ConnectionHandler,
            "server_event",
            "a2b42657ebe8bf6de9b9064d7b3dde2403a744bb8f75df03691a5c0e735544d7",
            _server_event,
            lever="driver",
        ),
        Part(
            HttpStream,
            "handle_event",
            "fd88b0fb09ceddbb1915fe0d588c206e8310d6883a77048a665675e49e43de2b",
            _stream_event,
            lever="driver",
        ),
    )


async def _server_event(self: Handler, event: Event) -> None:
    """Handle an event, and whatever completes meanwhile, in their order.

    Stock starts a named task for every hook, has each wait for a lock before it may say that it is done, and writes
    every piece of an answer by itself. Nothing here waits, so the order is that of stock's lock; an event that comes
    while another is handled (an eager task) has to wait for its turn.
    """
    if self.waiting is not None:
        handled = asyncio.get_running_loop().create_future()
        self.waiting.append((event, handled))
        await handled
        return
    self.waiting = deque([(event, None)])
    unsent = _Unsent(self)
    try:
        while self.waiting:
            event, caller = self.waiting.popleft()
            _handle(self, event, unsent)
            if caller is not None and not caller.done():
                caller.set_result(None)
    finally:
        self.waiting = None
        unsent.send()


def _handle(handler: Handler, event: Event, unsent: _Unsent) -> None:
    if handler.is_cut:
        return  # behind a failure nothing goes on
    handler.timeout_watchdog.register_activity()
    before = _AT_WORK.handler
    _AT_WORK.handler = handler
    try:
        for command in handler.layer.handle_event(event):
            if type(command) is SendData:
                unsent.add(command)
            elif isinstance(command, StartHook):
                _start_and_tell(handler, command)
            else:
                _other(handler, command, unsent)
    except (Exception, asyncio.CancelledError):  # as in stock; `log` cuts the connection. Nobody cancels what waits not
        handler.log("mitmproxy has crashed!", logging.ERROR, exc_info=True)
    finally:
        _AT_WORK.handler = before


class _Unsent:
    """What the layers send, until the end of the events at hand."""

    def __init__(self, handler: Handler) -> None:
        self._transports = handler.transports
        self._pieces: dict[asyncio.StreamWriter, list[bytes]] = {}
        self._bytes = 0

    def add(self, command: SendData) -> None:
        io = self._transports.get(command.connection)
        if io is None:
            return  # the connection has been closed already
        writer: Any = io.writer
        if writer is None:
            raise AssertionError("sending on a connection that is not open")
        self._pieces.setdefault(writer, []).append(command.data)
        self._bytes += len(command.data)
        if self._bytes > _TOGETHER:
            self.send()

    def send(self) -> None:
        for writer, pieces in self._pieces.items():
            if not writer.is_closing():
                writer.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        self._pieces.clear()
        self._bytes = 0


def _start_and_tell(handler: Handler, hook: StartHook) -> None:
    ended = hook is _AT_WORK.ended if hook is _AT_WORK.started else _start_hook(handler, hook)
    if ended and hook.blocking and handler.waiting is not None:
        handler.waiting.append((HookCompleted(hook), None))


def _start_hook(handler: Handler, hook: StartHook) -> bool:
    """Run a hook as far as it goes without waiting, and say whether it has come to its end."""
    if not handler.hears(hook.name):
        return True
    begun = handler.begin_hook(hook)
    if begun is None:
        return True
    _keep(asyncio.get_running_loop().create_task(_tell_later(handler, hook, begun)))
    return False


async def _tell_later(handler: Handler, hook: StartHook, begun: Begun) -> None:
    await handler.finish_hook(hook, begun)
    if hook.blocking:
        await handler.server_event(HookCompleted(hook))


def _keep(task: asyncio.Task[None]) -> None:
    _UNDER_WAY.add(task)
    task.add_done_callback(_UNDER_WAY.discard)


#: Hooks in the middle of an exchange.
_MIDDLE = frozenset({HttpRequestHeadersHook, HttpRequestHook, HttpResponseHeadersHook, AnswerHeldHook})


def _stream_event(self: Any, event: Event) -> Generator[Any, Any, None]:
    """Go on behind a hook that is at its end already.

    Stock says so from the top: an event through some eight layers for each hook of a request. Where an answer may
    follow, or has ended, that way stays: the layer that brought the event has to finish with it first.
    """
    command: Any
    for command in Layer.handle_event(self, event):
        if type(command) not in _MIDDLE or (handler := _AT_WORK.handler) is None:
            yield command
        elif not _start_hook(handler, command):
            _AT_WORK.started = command
            yield command
        elif isinstance(command, HttpResponseHeadersHook | AnswerHeldHook) or self.flow.response is None:
            yield from self.handle_event(HookCompleted(command))
        else:
            _AT_WORK.started = _AT_WORK.ended = command
            yield command


def _other(handler: Handler, command: commands.Command, unsent: _Unsent) -> None:
    """Do what is asked for rarely, as stock does it."""
    if isinstance(command, OpenConnection):
        _open(handler, command)
    elif isinstance(command, RequestWakeup):
        task = asyncio.get_running_loop().create_task(handler.wakeup(command))
        handler.wakeup_timer.add(task)
    elif isinstance(command, ConnectionCommand) and command.connection not in handler.transports:
        pass  # the connection has been closed already
    elif isinstance(command, commands.CloseConnection):
        unsent.send()
        half = isinstance(command, commands.CloseTcpConnection) and command.half_close
        handler.close_connection(command.connection, half)
    elif isinstance(command, commands.Log):
        handler.log(command.message, command.level)
    else:
        raise RuntimeError(f"Unexpected command: {command}")


def _open(handler: Handler, command: OpenConnection) -> None:
    if command.connection in handler.transports:
        raise AssertionError("the connection is open already")
    task = asyncio.get_running_loop().create_task(handler.open_connection(command))
    handler.transports[command.connection] = ConnectionIO(handler=task)
