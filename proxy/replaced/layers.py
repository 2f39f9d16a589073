"""How events go down through the layers, and commands up: the same steps as stock's, without its detours.

Stock takes each command with `next()`, a call of C that starts the interpreter anew, and asks at each layer whether
somebody debugs it. A `for` over a generator stays in one interpreter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mitmproxy.proxy.commands import OpenConnection, RequestWakeup, SendData
from mitmproxy.proxy.events import CommandCompleted
from mitmproxy.proxy.layer import Layer, Paused
from mitmproxy.proxy.layers.http import (
    DropStream,
    GetHttpConnection,
    HttpLayer,
    ReceiveHttp,
    RegisterHttpConnection,
    RequestHeaders,
    SendHttp,
)

from proxy.replaced.part import Part

if TYPE_CHECKING:
    from collections.abc import Generator

    from mitmproxy.proxy.events import Event

    Commands = Generator[Any, Any, None]


def parts() -> tuple[Part, ...]:
    """Give what is replaced here."""
    return (
        Part(
            Layer,
            "handle_event",
            "fd88b0fb09ceddbb1915fe0d588c206e8310d6883a77048a665675e49e43de2b",
            handle_event,
            lever="layers",
        ),
        Part(
            HttpLayer,
            "event_to_child",
            "1095f6e1581d1780afd5e87446b11eee0b12fb196c9be559f0fe15055436c8d7",
            _event_to_child,
            lever="layers",
        ),
    )


def handle_event(self: Any, event: Event) -> Commands:
    """Handle an event; behind a command that blocks, keep what comes until it is completed."""
    paused = self._paused
    if paused is None:
        commands = self._handle_event(event)
        for command in commands:
            if command.blocking is True:
                command.blocking = self
                self._paused = Paused(command, commands)
                yield command
                return
            yield command
    elif isinstance(event, CommandCompleted) and event.command is paused.command:
        yield from _go_on(self, paused.generator, event.reply)
    else:
        self._paused_event_queue.append(event)


def _go_on(layer: Any, commands: Commands, reply: object) -> Commands:
    """Go on behind a command that is completed, and with what was kept meanwhile."""
    layer._paused = None
    try:
        command = commands.send(reply)
    except StopIteration:
        pass
    else:
        yield from _from_first(layer, command, commands)
    while not layer._paused and layer._paused_event_queue:
        yield from _from_kept(layer, layer._handle_event(layer._paused_event_queue.popleft()))


def _from_first(layer: Any, command: Any, commands: Commands) -> Commands:
    if command.blocking is True:
        command.blocking = layer
        layer._paused = Paused(command, commands)
        yield command
    else:
        yield command
        yield from _from_kept(layer, commands)


def _from_kept(layer: Any, commands: Commands) -> Commands:
    for command in commands:
        if command.blocking is True:
            command.blocking = layer
            layer._paused = Paused(command, commands)
            yield command
            return
        yield command


def _event_to_child(self: HttpLayer, child: Any, event: Event) -> Commands:
    """Hand an event to a stream or a connection, and what it says to the others."""
    for command in child.handle_event(event):
        kind = type(command)
        if kind is SendData:
            yield command
            continue
        if command.blocking or isinstance(command, RequestWakeup):
            self.command_sources[command] = child
        if kind is ReceiveHttp:
            received = command.event
            if type(received) is RequestHeaders:
                yield from self.make_stream(received.stream_id)
            stream = self.streams.get(received.stream_id)
            if stream is not None:  # else it has ended already
                yield from self.event_to_child(stream, received)
        elif kind is SendHttp:
            yield from self.event_to_child(self.connections[command.connection], command.event)
        elif kind is DropStream:
            self.streams.pop(command.stream_id, None)
        else:
            yield from _rare(self, child, command)


def _rare(http: HttpLayer, child: Any, command: Any) -> Commands:
    if isinstance(command, GetHttpConnection):
        yield from http.get_connection(command)
    elif isinstance(command, RegisterHttpConnection):
        yield from http.register_connection(command)
    else:
        if isinstance(command, OpenConnection):
            http.connections[command.connection] = child
        yield command
