"""HTTP/1.1 towards clients and origins: heads are bounded, refused and recorded by us, and bodies are framed."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http import ErrorCode, RequestHeaders, ResponseProtocolError, _http1
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Server

from proxy.replaced.part import Answers, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def parts(answers: Answers) -> tuple[Part, ...]:
    """Give what is replaced here."""
    return (
        Part(
            Http1Server,
            "read_headers",
            "3fe0945216bcf7bc505e296e44dd33908b19aa900d4157e977499bf7164027d6",
            _headers_read_or(answers),
        ),
        Part(
            Http1Server, "send", "cc218a1337c0f5cfba087b270eab789eea877c9a5201eaf22f2b8927efcce85c", _sent_or(answers)
        ),
        Part(Http1Client, "send", "35d961e20d4812046b21ccbb4e616b38f2898780b32363b943a0b31fa499f871", _send_framed),
        Part(
            _http1,
            "make_error_response",
            "03ce75ab62e8e78ba1bc19e735d55a520bf878929c32866868dd234996b4b281",
            _bare_refusal,
        ),
    )


_original_read_headers = Http1Server.read_headers


def _headers_read_or(answers: Answers) -> Callable[[Http1Server, events.ConnectionEvent], Any]:
    def read_headers(self: Http1Server, event: events.ConnectionEvent) -> Generator[Any, Any, None]:
        """Bound every head, and refuse what is none with an answer and a record of ours (item 9).

        Stock reads a head of any size, and answers a malformed one by itself, with no hook. The only bytes that it
        sends while it reads a head are that answer; what it would tell its streams after it is dropped.
        """
        for command in _original_read_headers(self, event):
            if isinstance(command, commands.SendData):
                yield from _refuse_head(self, answers, 400, "a head that cannot be read")
                return
            yield command
        if self.state == self.read_headers and len(self.buf) > answers.head_bytes:
            yield from _refuse_head(self, answers, 431, "the head is too large")

    return read_headers


_original_server_send = Http1Server.send


def _sent_or(answers: Answers) -> Callable[[Http1Server, Any], Any]:
    def send(self: Http1Server, event: Any) -> Generator[Any, Any, None]:
        """Refuse and record a request without a destination: stock answers it before any hook has seen it."""
        if isinstance(event, ResponseProtocolError) and event.code is ErrorCode.DESTINATION_UNKNOWN:
            yield from _refuse_head(self, answers, 400, "a request that names no destination")
        else:
            yield from _original_server_send(self, event)

    return send


def _refuse_head(server: Http1Server, answers: Answers, status: int, why: str) -> Generator[Any, Any, None]:
    server.state = server.done
    yield commands.SendData(server.conn, answers.refuse_head(server.context.client, status, why))
    yield commands.CloseConnection(server.conn)


_original_client_send = Http1Client.send


def _send_framed(self: Http1Client, event: Any) -> Generator[Any, Any, None]:
    """Frame a body that comes from HTTP/2 without a length: its bytes would else be read as the next request.

    RFC 9113, section 8.2.2, has no transfer coding; RFC 9112, section 6.1, needs one where no length is known.
    """
    downgraded = isinstance(event, RequestHeaders) and event.request.is_http2 and not event.end_stream
    if downgraded and "content-length" not in event.request.headers:
        event.request = event.request.copy()
        event.request.headers["transfer-encoding"] = "chunked"
    yield from _original_client_send(self, event)


def _bare_refusal(status_code: int, message: str = "") -> bytes:
    """Answer, without a page, what only mitmproxy knows about: it would name itself and quote what it was sent."""
    del message
    return b"HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % (
        status_code,
        HTTPStatus(status_code).phrase.encode(),
    )
