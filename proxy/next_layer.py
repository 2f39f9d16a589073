"""What the bytes of a client connection may be: TLS, or HTTP. Anything else is closed.

Replaces mitmproxy's own choice, which relays raw what it cannot name: a first segment of one or two bytes, or a
server that speaks first, is enough to get past it (reference/bypass-and-p2p.md, section A).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mitmproxy.proxy import commands, events, layer, layers
from mitmproxy.proxy.layers import modes
from mitmproxy.proxy.layers.http import HTTPMode

from proxy.beginning import Beginning, beginning_of
from proxy.detectors.opening import named, undecided
from proxy.facts import OPENING_CAP

if TYPE_CHECKING:
    from collections.abc import Generator

    from mitmproxy.proxy.context import Context


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
    begun = beginning_of(client, inside_tls=context.client.tls_established, http2=context.client.alpn == b"h2")
    if begun is Beginning.HTTP:
        return layers.HttpLayer(context, HTTPMode.transparent)
    if begun is Beginning.TLS:
        tls = layers.ServerTLSLayer(context)
        tls.child_layer = layers.ClientTLSLayer(context)
        return tls
    if begun is Beginning.MORE:  # letters that may become a request, unless their protocol is known already
        return Closed(context) if named(client) else None
    waits = len(client) < OPENING_CAP and undecided(client)  # the name that it is refused by may need some more
    return None if waits else Closed(context)
