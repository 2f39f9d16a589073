"""HTTP/2 towards clients and origins: what is none is recorded, and mitmproxy says nothing in its own name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mitmproxy.proxy.layers.http import _http2
from mitmproxy.proxy.layers.http._http2 import Http2Connection, Http2Server

from proxy.replaced.part import Answers, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def parts(answers: Answers) -> tuple[Part, ...]:
    """Give what is replaced here."""
    return (
        Part(
            Http2Server,
            "protocol_error",
            "461f5e7de9c9b687b68e74b49413d0043ad138184324f2e7631a8b6cfba1c887",
            _http2_refused_or(answers),
        ),
        Part(_http2, "format_error", "26271a67770fbaf15df76fbce2eae73accd7c5559ba7c0181056e0992abd4d2f", _no_words),
    )


_original_http2_error = Http2Connection.protocol_error


def _http2_refused_or(answers: Answers) -> Callable[..., Any]:
    def protocol_error(self: Http2Server, message: str, *code: int) -> Generator[Any, Any, None]:
        """Record what a client sent that is no HTTP/2; the answer is GOAWAY."""
        answers.refuse_head(self.context.client, 400, "HTTP/2 that cannot be read")
        yield from _original_http2_error(self, message, *code)

    return protocol_error


def _no_words(status_code: int, message: str) -> bytes:
    """Say nothing in mitmproxy's name on an HTTP/2 stream that only it can answer."""
    del status_code, message
    return b""
