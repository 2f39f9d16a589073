"""Why an origin could not be used: the words that we make, the text that comes back, and what is behind it."""

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
_PRIVATE = UpstreamFailure("address.private", "ok", 403)

#: How an error text begins that is ours: mitmproxy hands errors on as text, and an origin writes parts of others.
OURS = "breakwater-"
DNS, CONNECT, TIMEOUT, PRIVATE, ERROR = "dns", "connect", "timeout", "private", "error"
MALFORMED, TOO_LARGE, ANSWER_TOO_LARGE = "malformed", "too-large", "answer-too-large"
REFUSED = "refused"  # by a verdict of its own, which the exchange has

#: Every word that may stand behind it.
_BY_WORD = {
    DNS: _NO_NAME,
    CONNECT: _NO_CONNECTION,
    TIMEOUT: _NO_ANSWER,
    PRIVATE: _PRIVATE,
    ERROR: _FAILED,
    REFUSED: _FAILED,
    MALFORMED: _MALFORMED,
    TOO_LARGE: _TOO_LARGE,
    ANSWER_TOO_LARGE: _NO_CONNECTION,
}

#: The words of mitmproxy 12.2.3's ServerTLSLayer; first match wins. An origin that writes them blames itself alone.
_BY_TEXT: tuple[tuple[str, UpstreamFailure], ...] = (
    ("certificate verify failed", _BAD_CERTIFICATE),
    ("hostname mismatch", _BAD_CERTIFICATE),
    ("tls", _BAD_TLS),
    ("ssl", _BAD_TLS),
    ("handshake", _BAD_TLS),
)


def ours(word: str, why: str) -> str:
    """Make an error text of ours. `word` is one of those above."""
    return f"{OURS}{word}: {why}"


def failure_of(error: str) -> UpstreamFailure:
    """Name the failure behind an error text."""
    if error.startswith(OURS):
        return _BY_WORD[error.removeprefix(OURS).partition(":")[0]]
    text = error.lower()
    return next((failure for mark, failure in _BY_TEXT if mark in text), _NO_CONNECTION)


#: What mitmproxy 12.2.3 says when the client ends a stream or its connection (http/_http1.py, http/_http2.py).
_CLIENT_LEFT = ("client disconnected", "stream reset by client")


def client_left(error: str) -> bool:
    """True when an answer under way was broken off by the client, not by the origin."""
    return error.lower().startswith(_CLIENT_LEFT)
