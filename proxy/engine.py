"""Every private part of mitmproxy that is replaced, pinned by the digest of its source.

mitmproxy is pinned to one version; a change under one of these functions would turn our replacement into a guess. So
at start each replaced function's source must have the digest that was read, else the process refuses to start.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from http import HTTPStatus
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

from mitmproxy.proxy import commands, events, server
from mitmproxy.proxy.layers.http import (
    DropStream,
    ErrorCode,
    GetHttpConnection,
    HttpStream,
    RequestHeaders,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
    SendHttp,
    _http1,
    _http2,
)
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Server
from mitmproxy.proxy.layers.http._http2 import Http2Connection, Http2Server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from mitmproxy import http
    from mitmproxy.connection import Client

    #: Opens an upstream connection: (host, port) to reader and writer. Raises OSError.
    Dial = Callable[[str, int], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]

#: SHA-256 of the source of what is replaced or relied upon, read in mitmproxy 12.2.3.
PINNED: tuple[tuple[Callable[..., Any], str], ...] = (
    (HttpStream.start_request_stream, "46f03368a2a5436256a2f5afc4be43db81c9951bad213d62eb66629573986fbe"),
    (Http1Client.send, "35d961e20d4812046b21ccbb4e616b38f2898780b32363b943a0b31fa499f871"),
    (Http2Connection.protocol_error, "461f5e7de9c9b687b68e74b49413d0043ad138184324f2e7631a8b6cfba1c887"),
    (Http1Server.send, "cc218a1337c0f5cfba087b270eab789eea877c9a5201eaf22f2b8927efcce85c"),
    (Http1Server.read_headers, "3fe0945216bcf7bc505e296e44dd33908b19aa900d4157e977499bf7164027d6"),
    (HttpStream.handle_protocol_error, "59fc3b2eeeabf63a64d4cce98b4fe4cab5193ebefbd9c32ae186e65c7d25bfe2"),
    (_http1.make_error_response, "03ce75ab62e8e78ba1bc19e735d55a520bf878929c32866868dd234996b4b281"),
    (HttpStream.make_server_connection, "ddc7bc72f4d2fbc7d7be17c31ab321035c8e50672160a6fd3b84aec24e7350fb"),
    (server.ConnectionHandler.open_connection, "5e0b3cbaf7a4030a0a044c9ca36296c2c53a874e47cd861e5d7f70a88beff951"),
    (server.ConnectionHandler.server_event, "a2b42657ebe8bf6de9b9064d7b3dde2403a744bb8f75df03691a5c0e735544d7"),
    (server.ConnectionHandler.close_connection, "c0d10cc05dd65b80025d49f02f3ad4315fbd3ed8b82778eba7c55e29155f8cb6"),
)


class Answers(Protocol):
    """What the replaced parts ask the addon for."""

    @property
    def head_bytes(self) -> int:
        """Give the largest head that is read, in bytes."""

    def answer_failure(self, flow: http.HTTPFlow, error: str) -> None:
        """Put our page on a flow whose origin cannot be used."""

    def refuse_head(self, client: Client, status: int, why: str) -> bytes:
        """Record a head that cannot be read, and give the whole answer to it."""


class EngineChanged(RuntimeError):
    """The installed mitmproxy is not the one that was read."""


def digest_of(function: Callable[..., Any]) -> str:
    """Give the SHA-256 of a function's source."""
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()


def install(dial: Dial, answers: Answers) -> None:
    """Replace the parts, once, before the first connection. `dial` opens every upstream connection.

    Raises EngineChanged.
    """
    for function, digest in PINNED:
        if digest_of(function) != digest:
            raise EngineChanged(f"mitmproxy's {function.__qualname__} is not the pinned one; install the lock")
    server.asyncio = _asyncio_with(dial)  # type: ignore[assignment]
    Http1Client.send = _send_framed  # type: ignore[method-assign]
    Http2Server.protocol_error = _http2_refused_or(answers)  # type: ignore[method-assign]
    _http2.format_error = _no_words
    Http1Server.send = _sent_or(answers)  # type: ignore[method-assign, assignment]
    Http1Server.read_headers = _headers_read_or(answers)  # type: ignore[method-assign, assignment]
    _http1.make_error_response = _bare_refusal
    HttpStream.handle_protocol_error = _protocol_error_or(answers)  # type: ignore[method-assign, assignment]
    HttpStream.start_request_stream = _start_request_stream  # type: ignore[method-assign]
    HttpStream.make_server_connection = _server_connection_or(answers)  # type: ignore[method-assign, assignment]


def _asyncio_with(dial: Dial) -> SimpleNamespace:
    """Give mitmproxy's server an asyncio whose open_connection resolves once and dials judged addresses only.

    Rewriting `server.address` in a hook instead breaks upstream keep-alive (reference/engine.md, item 5).
    """

    async def open_connection(
        host: str, port: int, *, local_addr: object = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await dial(host, port)

    return SimpleNamespace(**{**vars(asyncio), "open_connection": open_connection})


_original_start_request_stream = HttpStream.start_request_stream


def _start_request_stream(self: HttpStream) -> Generator[Any, Any, None]:
    """Answer a blocked upload at once and drop its body; stock raises here, and the client hangs (item 7)."""
    if self.flow.response:
        yield from _send_now(self)
    else:
        yield from _original_start_request_stream(self)


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


_original_protocol_error = HttpStream.handle_protocol_error


def _protocol_error_or(answers: Answers) -> Callable[[HttpStream, Any], Any]:
    def handle_protocol_error(self: HttpStream, event: Any) -> Generator[Any, Any, None]:
        """Send our page where the origin breaks off before it has answered: stock sends its own (item 8)."""
        waits = self.server_state == self.state_wait_for_response_headers and self.client_state != self.state_errored
        if isinstance(event, ResponseProtocolError) and waits:
            answers.answer_failure(self.flow, event.message)
            yield from _send_now(self)
        else:
            yield from _original_protocol_error(self, event)

    return handle_protocol_error


def _bare_refusal(status_code: int, message: str = "") -> bytes:
    """Answer, without a page, what only mitmproxy knows about: it would name itself and quote what it was sent."""
    del message
    return b"HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % (
        status_code,
        HTTPStatus(status_code).phrase.encode(),
    )


def _server_connection_or(answers: Answers) -> Callable[[HttpStream], Any]:
    def make_server_connection(self: HttpStream) -> Generator[Any, Any, bool]:
        """Send our page where the origin cannot be used; stock sends its own (item 8)."""
        connection, error = yield GetHttpConnection(
            (self.flow.request.host, self.flow.request.port),
            self.flow.request.scheme == "https",
            self.flow.server_conn.via,
            self.flow.server_conn.transport_protocol,
        )
        if error is None:
            self.context.server = self.flow.server_conn = connection
            return True
        answers.answer_failure(self.flow, error)
        yield from _send_now(self)
        return False

    return make_server_connection


def _send_now(stream: HttpStream) -> Generator[Any, Any, None]:
    """Send the flow's response, whatever of the request is still to come, and take nothing more of this stream."""
    response = stream.flow.response
    assert response is not None  # noqa: S101  # both callers have just set it
    if stream.client_state is not stream.state_done and not stream.flow.request.is_http2:
        response.headers["connection"] = "close"  # the body that still comes must not be read as the next request
    stream.flow.live = False
    stream.client_state = stream.server_state = stream.state_errored
    content = response.raw_content or b""
    yield SendHttp(ResponseHeaders(stream.stream_id, response, end_stream=not content), stream.context.client)
    if content:
        yield SendHttp(ResponseData(stream.stream_id, content), stream.context.client)
    yield DropStream(stream.stream_id)
    yield SendHttp(ResponseEndOfMessage(stream.stream_id), stream.context.client)
