"""TLS: a handshake with an origin has its time, and a ClientHello its size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers import tls
from mitmproxy.proxy.layers.tls import ClientTLSLayer, ServerTLSLayer
from mitmproxy.proxy.tunnel import TunnelState

from proxy.client_hello import MalformedHello, is_whole
from proxy.replaced.part import Part
from proxy.upstream import TIMEOUT, ours

if TYPE_CHECKING:
    from collections.abc import Generator

    from mitmproxy.connection import Connection
    from mitmproxy.tls import ClientHello


class HandshakeOverdue(commands.RequestWakeup):
    """Never asked for: its Wakeup ends the handshake with `origin`, if that is still under way."""

    def __init__(self, origin: Connection) -> None:
        super().__init__(0)
        self.origin = origin


def parts() -> tuple[Part, ...]:
    """Give what is replaced here."""
    return (
        Part(
            ServerTLSLayer,
            "_handle_event",
            "00676a887c456ceca7b2702dcdce0810810a457907b453c1abc570f43cf77186",
            _server_event,
        ),
        Part(
            ClientTLSLayer,
            "receive_data",
            "85c0e6b656c324e5472dd909f0542a16f4f427685bec8f9be710b3c1cdcd6244",
            _client_data,
        ),
        Part(tls, "parse_client_hello", "537b0089913d85d9ca7b1e468d9be1db7ae55d8d14018c04435e5c5b94f28c69", _parsed),
    )


_original_handle_event = ServerTLSLayer._handle_event


def _server_event(self: ServerTLSLayer, event: events.Event) -> Generator[Any, Any, None]:
    """Give a handshake up that is overdue; stock waits for as long as anything moves on the client's connection."""
    command = event.command if isinstance(event, events.Wakeup) else None
    if not isinstance(command, HandshakeOverdue) or command.origin is not self.conn:  # another's goes through this one
        yield from _original_handle_event(self, event)
    elif self.tunnel_state is TunnelState.ESTABLISHING:
        error = ours(TIMEOUT, "the TLS handshake did not end in time")
        yield from self.on_handshake_error(error)
        yield from self._handshake_finished(error)


_original_receive = ClientTLSLayer.receive_data


def _client_data(self: ClientTLSLayer, data: bytes) -> Generator[Any, Any, None]:
    """Drop what was read already behind a hello that is none: stock crashes, having nothing to decrypt it with."""
    if self.tls is not None:
        yield from _original_receive(self, data)


_original_parse = tls.parse_client_hello


def _parsed(data: bytes) -> ClientHello | None:
    """Parse a ClientHello once it is whole. Raises ValueError.

    Stock takes one of 16 MiB, and begins anew with every segment: in records of a byte that takes hours.
    """
    try:
        return _original_parse(data) if is_whole(data) else None
    except MalformedHello as error:
        raise ValueError(str(error)) from error
