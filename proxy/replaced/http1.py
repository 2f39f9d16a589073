"""HTTP/1.1 towards clients: every head is bounded in size and time, refused and recorded by us; answers are framed."""

from __future__ import annotations

import re
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from mitmproxy.connection import ConnectionState
from mitmproxy.net.http import http1
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http import (
    ErrorCode,
    HttpEvent,
    ReceiveHttp,
    RequestHeaders,
    RequestProtocolError,
    ResponseHeaders,
    ResponseProtocolError,
    ResponseTrailers,
    _http1,
)
from mitmproxy.proxy.layers.http._http1 import Http1Server

from proxy.head import MalformedHead, check_head
from proxy.replaced import head_time
from proxy.replaced.part import Answers, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mitmproxy import http

    Commands = Generator[Any, Any, None]

#: The empty line that ends a head, also for a reader that takes bare line feeds.
_END = re.compile(rb"\n\r?\n")

#: What stands in no head (RFC 9110, section 5.5; RFC 9112, section 3): somebody speaks another protocol.
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

#: How a request line ends (RFC 9112, section 3): HTTP/0.9 had no version, and no end that could be waited for.
_VERSION = re.compile(rb" HTTP/[0-9]\.[0-9]\r?\Z")

#: What a client may send ahead while its request is under way, in bytes. Browsers do not pipeline.
_AHEAD_BYTES = 1_048_576


def parts(answers: Answers) -> tuple[Part, ...]:
    """Give what is replaced here."""
    return (
        Part(
            Http1Server,
            "_handle_event",
            "2ac8db3e43ae743fd21f78709327091ff712e8c0addf4466f1f1f972c24750d2",
            _handled_or(answers),
        ),
        Part(
            Http1Server,
            "read_headers",
            "3fe0945216bcf7bc505e296e44dd33908b19aa900d4157e977499bf7164027d6",
            _headers_read_or(answers),
        ),
        Part(
            Http1Server,
            "wait",
            "c99d0494a840a2b6178a2f9c526b87c3a6f2e6547a698925fd974a3181d74c25",
            _waited_or(answers),
        ),
        Part(
            Http1Server, "send", "cc218a1337c0f5cfba087b270eab789eea877c9a5201eaf22f2b8927efcce85c", _sent_or(answers)
        ),
        Part(
            _http1,
            "make_error_response",
            "03ce75ab62e8e78ba1bc19e735d55a520bf878929c32866868dd234996b4b281",
            _bare_refusal,
        ),
    )


def _handled_or(answers: Answers) -> Callable[[Any, events.Event], Commands]:
    def _handle_event(self: Any, event: events.Event) -> Commands:
        """Do what stock does, and look at the head that is being read when its time is up.

        A client that is gone is told nothing: behind the end of its answer stock asks what it had sent ahead.
        """
        if isinstance(event, HttpEvent):
            if self.conn.state & ConnectionState.CAN_WRITE:
                yield from self.send(event)
        elif isinstance(event, events.Wakeup):
            late = partial(_refuse_head, self, answers, 408, "no complete head within the time limit")
            yield from head_time.woken(self, answers.limits.head_seconds, late)
        else:
            if isinstance(event, events.DataReceived) and self.state != self.passthrough:
                self.buf += event.data
            yield from self.state(event)

    return _handle_event


_original_read_headers = Http1Server.read_headers


def _headers_read_or(answers: Answers) -> Callable[[Any, events.ConnectionEvent], Commands]:
    def read_headers(self: Any, event: events.ConnectionEvent) -> Commands:
        """Bound every head, and refuse what is none with an answer and a record of ours (item 9).

        Stock reads a head of any size in any time, takes bare line feeds and folded lines for what they might mean,
        and answers a malformed one by itself, with no hook.
        """
        if not isinstance(event, events.DataReceived):
            yield from _original_read_headers(self, event)
            return
        raw = bytes(self.buf)
        if not getattr(self, "head_since", None) and raw.startswith(b"\r\n"):
            raw = _without_empty_line(self)
        end = _END.search(raw, max(getattr(self, "head_searched", 0) - 2, 0))
        if (end.end() if end else len(raw)) > answers.limits.head_bytes:
            yield from _refuse_head(self, answers, 431, "the head is too large")
        elif end:
            self.head_since, self.head_searched = None, 0
            yield from _take_head(self, answers, event, raw[: end.end()])
        elif (why := _is_none(raw, getattr(self, "head_searched", 0))) is not None:
            yield from _refuse_head(self, answers, 400, why)
        elif raw:
            self.head_searched = len(raw)
            yield from head_time.begin(self, answers.limits.head_seconds)

    return read_headers


def _is_none(raw: bytes, searched: int) -> str | None:
    """Say why nothing that follows could make a head of what has come; None where something could."""
    if _CONTROL.search(raw, searched):
        return "a control character in the head"
    end = raw.find(b"\n")
    ends_now = end >= searched
    return "a request line without a version" if ends_now and not _VERSION.search(raw, 0, end) else None


def _without_empty_line(server: Any) -> bytes:
    """Drop one empty line before a head: some clients send it behind a body (RFC 9112, section 2.2)."""
    server.buf.maybe_extract_at_most(2)
    return bytes(server.buf)


def _take_head(server: Any, answers: Answers, event: events.ConnectionEvent, raw: bytes) -> Commands:
    """Read a whole head, and go on with the body."""
    lines = [bytes(line) for line in server.buf.maybe_extract_lines() or ()]
    try:
        check_head(raw.removesuffix(b"\r\n\r\n"))
        request = http1.read_request_head(lines)
        size = http1.expected_http_body_size(request)
    except MalformedHead as error:
        yield from _refuse_head(server, answers, 400, str(error))
        return
    except ValueError:
        yield from _refuse_head(server, answers, 400, "a head that cannot be read")
        return
    server.request = request
    yield ReceiveHttp(RequestHeaders(server.stream_id, request, size == 0))
    server.body_reader = _http1.make_body_reader(size)
    server.state = server.read_body
    yield from server.state(event)


def _waited_or(answers: Answers) -> Callable[[Any, events.Event], Commands]:
    def wait(self: Any, event: events.Event) -> Commands:
        """Bound what a client sends ahead of its answer: stock keeps any amount."""
        if len(self.buf) <= _AHEAD_BYTES:
            yield from _original_wait(self, event)
            return
        answers.note_refusal(self.context.client, 0, "too much sent ahead of the answer")
        self.state = self.done
        left = RequestProtocolError(self.stream_id, "Client disconnected.", ErrorCode.CLIENT_DISCONNECTED)
        yield ReceiveHttp(left)
        yield commands.CloseConnection(self.conn)

    return wait


_original_wait = Http1Server.wait
_original_send = Http1Server.send


def _sent_or(answers: Answers) -> Callable[[Any, Any], Commands]:
    def send(self: Any, event: Any) -> Commands:
        """Send an answer in a frame that the client can see the end of, and no trailers (RFC 9110, section 6.5.1).

        A request without a destination is refused and recorded here: stock answers it before any hook has seen it.
        """
        if isinstance(event, ResponseTrailers):
            return
        if isinstance(event, ResponseProtocolError):
            if event.code is ErrorCode.DESTINATION_UNKNOWN:
                yield from _refuse_head(self, answers, 400, "a request that names no destination")
                return
            if self.response and http1.expected_http_body_size(self.request, self.response) == -1:
                answers.reset(self.context.client)  # the end of the connection would be the end of the body
        elif isinstance(event, ResponseHeaders):
            event.response = _framed(self.request, event.response, event.end_stream)
        yield from _original_send(self, event)

    return send


def _framed(request: http.Request, response: http.Response, bodiless: bool) -> http.Response:
    """Give an answer in our own version, and with an end that cannot be taken for a connection that broke.

    RFC 9112, sections 2.3 and 6.1 to 6.3; RFC 9113, section 8.1, where a body needs no length.
    """
    headers = response.headers
    changes: dict[str, str | None] = {}
    if "transfer-encoding" in headers and request.http_version == "HTTP/1.0":
        changes["transfer-encoding"] = None
    elif not _measured(request, response):
        if bodiless:
            changes["content-length"] = "0"
        elif request.http_version != "HTTP/1.0":
            changes["transfer-encoding"] = "chunked"
    if not changes and response.http_version != "HTTP/1.0":
        return response
    response = response.copy()
    response.http_version = response.http_version if response.is_http2 else "HTTP/1.1"
    for name, value in changes.items():
        response.headers.pop(name, None)
        if value is not None:
            response.headers[name] = value
    return response


def _measured(request: http.Request, response: http.Response) -> bool:
    """True where the head says where the answer ends."""
    without = response.status_code < 200 or response.status_code in (204, 304) or request.method == "HEAD"
    return without or "content-length" in response.headers or "transfer-encoding" in response.headers


def _refuse_head(server: Any, answers: Answers, status: int, why: str) -> Commands:
    server.state = server.done
    yield commands.SendData(server.conn, answers.refuse_head(server.context.client, status, why))
    yield commands.CloseConnection(server.conn)


def _bare_refusal(status_code: int, message: str = "") -> bytes:
    """Answer, without a page, what only mitmproxy knows about: it would name itself and quote what it was sent."""
    del message
    return b"HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % (
        status_code,
        HTTPStatus(status_code).phrase.encode(),
    )
