"""Why an origin could not be used: reads the one text that mitmproxy hands on, and names reason, outcome and status."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpstreamFailure:
    """What the page and the record say. None of these counts as an attempt by the user."""

    reason: str
    outcome: str
    status: int


_NO_NAME = UpstreamFailure("upstream.dns", "dns", 502)
_NO_CONNECTION = UpstreamFailure("upstream.connect", "connect", 502)
_NO_ANSWER = UpstreamFailure("upstream.timeout", "timeout", 504)
_BAD_CERTIFICATE = UpstreamFailure("upstream.certificate", "upstream-tls", 502)
_BAD_TLS = UpstreamFailure("upstream.tls", "upstream-tls", 502)
_TOO_LARGE = UpstreamFailure("protocol.malformed", "ok", 413)
_MALFORMED = UpstreamFailure("protocol.malformed", "ok", 400)
_FAILED = UpstreamFailure("error.hook", "connect", 503)
_REFUSED = UpstreamFailure("address.private", "ok", 403)

#: First match wins. Our own words (proxy/connect.py) first, then those of mitmproxy 12.2.3's ServerTLSLayer.
_BY_TEXT: tuple[tuple[str, UpstreamFailure], ...] = (
    ("breakwater-dns", _NO_NAME),
    ("breakwater-connect", _NO_CONNECTION),
    ("breakwater-timeout", _NO_ANSWER),
    ("breakwater-private", _REFUSED),
    ("breakwater-error", _FAILED),
    ("breakwater-malformed", _MALFORMED),
    ("breakwater-too-large", _TOO_LARGE),
    ("breakwater-", _NO_CONNECTION),
    ("certificate verify failed", _BAD_CERTIFICATE),
    ("hostname mismatch", _BAD_CERTIFICATE),
    ("tls", _BAD_TLS),
    ("ssl", _BAD_TLS),
    ("handshake", _BAD_TLS),
)


def failure_of(error: str) -> UpstreamFailure:
    """Name the failure behind mitmproxy's error text."""
    text = error.lower()
    return next((failure for mark, failure in _BY_TEXT if mark in text), _NO_CONNECTION)


#: What mitmproxy 12.2.3 says when the client ends a stream or its connection (http/_http1.py, http/_http2.py).
_CLIENT_LEFT = ("client disconnected", "stream reset by client")


def client_left(error: str) -> bool:
    """True when an answer under way was broken off by the client, not by the origin."""
    return error.lower().startswith(_CLIENT_LEFT)
