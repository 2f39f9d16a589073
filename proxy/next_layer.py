"""What the bytes of a client connection may be: TLS, or HTTP. Anything else is closed.

Replaces mitmproxy's own choice, which relays raw what it cannot name: a first segment of one or two bytes, or a
server that speaks first, is enough to get past it (reference/bypass-and-p2p.md, section A).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mitmproxy.proxy import commands, events, layer, layers
from mitmproxy.proxy.layers import modes
from mitmproxy.proxy.layers.http import HTTPMode

if TYPE_CHECKING:
    from collections.abc import Generator

    from mitmproxy.proxy.context import Context

#: Enough to tell a TLS record (RFC 8446, section 5.1: type 22, version 3.x) from a request line.
_ENOUGH = 3


class Closed(layer.Layer):
    """Closes the connection at the first event; `flow.kill()` would do nothing to raw bytes."""

    def _handle_event(self, event: events.Event) -> Generator[commands.Command, None, None]:
        yield commands.CloseConnection(self.context.client)


def next_layer(context: Context, client: bytes, server: bytes) -> layer.Layer | None:
    """Choose the layer for what has come so far; None where more bytes have to tell."""
    if isinstance(context.layers[0], modes.HttpProxy):
        return layers.HttpLayer(context, HTTPMode.regular)
    if server:
        return Closed(context)  # a server that speaks first speaks neither TLS nor HTTP
    if context.client.tls_established:
        return layers.HttpLayer(context, HTTPMode.transparent)
    if len(client) < _ENOUGH:
        return None
    if client[:2] == b"\x16\x03":
        tls = layers.ServerTLSLayer(context)
        tls.child_layer = layers.ClientTLSLayer(context)
        return tls
    return layers.HttpLayer(context, HTTPMode.transparent) if client[:3].isalpha() else Closed(context)
