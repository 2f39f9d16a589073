"""The exchange that belongs to a flow: what the hooks of one request share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mitmproxy import http

    from proxy.recording import Exchange

_EXCHANGE = "breakwater"


def put_on(flow: http.HTTPFlow, exchange: Exchange) -> None:
    """Put a request's exchange on its flow."""
    flow.metadata[_EXCHANGE] = exchange


def exchange_of(flow: http.HTTPFlow) -> Exchange | None:
    """Give the exchange that `requestheaders` put on the flow."""
    found: Exchange | None = flow.metadata.get(_EXCHANGE)
    return found
