"""One request and its answer: blocks are answered at once, and failures with a page of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mitmproxy.net.http import http1
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers import http as layers_http
from mitmproxy.proxy.layers.http import (
    DropStream,
    ErrorCode,
    GetHttpConnection,
    HttpEvent,
    HttpResponseHeadersHook,
    HttpStream,
    ReceiveHttp,
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    RequestTrailers,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
    SendHttp,
    validate_request,
)
from mitmproxy.proxy.utils import expect

from proxy.counting import TOO_LARGE_ANSWER
from proxy.replaced import holding
from proxy.replaced.part import Answers, Part
from proxy.upstream import OURS, REFUSED, ours

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Generator

    from mitmproxy import http

    Commands = Generator[Any, Any, None]

#: What the record says of an answer in which something was found when some of it had gone on.
CUT_OFF = ours(REFUSED, "found within the answer, and cut off there")

_BREAKS = re.compile(rb"[\r\n\0]")


#: Digests of the sources that were read, in mitmproxy 12.2.3.
_READ = {
    "_handle_event": "e3cbfef7310ae81ffa7ed7ecba57f932afabada8cd48921308db363c47dd6c89",
    "check_invalid": "ef0a126eef45d90335636512729510fffcf67f01e1f0121523f1659ea818824c",
    "check_killed": "368cad352d1e82b6907688a0d3196d2e586b4af9af2a8465ea00d46e2d3c3672",
    "state_wait_for_response_headers": "10e32e91b294816432efae8d1f68c784ce36fc94f0f8202516be2c7f136707dd",
    "start_request_stream": "46f03368a2a5436256a2f5afc4be43db81c9951bad213d62eb66629573986fbe",
    "handle_protocol_error": "59fc3b2eeeabf63a64d4cce98b4fe4cab5193ebefbd9c32ae186e65c7d25bfe2",
    "make_server_connection": "ddc7bc72f4d2fbc7d7be17c31ab321035c8e50672160a6fd3b84aec24e7350fb",
}


def parts(answers: Answers) -> tuple[Part, ...]:
    """Give what is replaced here."""
    new = {
        "_handle_event": expect(events.Start, HttpEvent)(_handle_event),
        "check_invalid": _invalid_or(answers),
        "check_killed": _check_killed,
        "state_wait_for_response_headers": expect(ResponseHeaders)(_response_headers_or(answers)),
        "start_request_stream": _start_request_stream,
        "handle_protocol_error": _protocol_error_or(answers),
        "make_server_connection": _server_connection_or(answers),
    }
    return tuple(Part(HttpStream, name, digest, new[name]) for name, digest in _READ.items())


def _handle_event(self: Any, event: Any) -> Commands:
    """Do what stock does, but for empty pieces of a body, which HTTP/2 may send: written as a chunk one is the end."""
    if isinstance(event, RequestData | ResponseData):
        if event.data:
            yield from (self.client_state if isinstance(event, RequestData) else self.server_state)(event)
    elif isinstance(event, events.Start):
        self.client_state = self.state_wait_for_request_headers
    elif isinstance(event, RequestProtocolError | ResponseProtocolError):
        yield from self.handle_protocol_error(event)
    elif isinstance(event, RequestHeaders | RequestTrailers | RequestEndOfMessage):
        yield from self.client_state(event)
    else:
        yield from self.server_state(event)


def _invalid_or(answers: Answers) -> Callable[[HttpStream, bool], Generator[Any, Any, bool]]:
    def check_invalid(self: HttpStream, request: bool) -> Generator[Any, Any, bool]:
        """Answer a head that is none with our page and a record; stock sends a bare 400 in its own name (item 9)."""
        if request:
            if not validate_request(self.mode, self.flow.request, validate_inbound_headers=True):
                return False
            answers.refuse_request(self.flow)
        else:
            assert self.flow.response is not None  # noqa: S101  # stock has just set it
            if (why := _unfit(self.flow, answers.limits.body_bytes)) is None:
                return False
            yield _towards_origin(self, why)
            answers.answer_failure(self.flow, why)
        yield from _send_now(self)
        return True

    return check_invalid


_original_check_killed = HttpStream.check_killed


def _check_killed(self: HttpStream, emit_error_hook: bool) -> Generator[Any, Any, bool]:
    """Look for a client that has left meanwhile; what is wrong with its body is answered in its turn instead."""
    waiting = (event for event in self._paused_event_queue if isinstance(event, RequestProtocolError))
    if any(event.message.startswith(OURS) for event in waiting):
        return False
    return (yield from _original_check_killed(self, emit_error_hook))


def _unfit(flow: http.HTTPFlow, most: int) -> str | None:
    """Say what of an answer's head cannot go on: a client might read it differently (RFC 9110, section 5.5)."""
    response = flow.response
    assert response is not None  # noqa: S101  # the caller has looked
    headers = response.headers
    if any(b"\r\n " in value for _, value in headers.fields):  # a folded line (RFC 9112, section 5.2)
        headers.fields = tuple((name, value.replace(b"\r\n ", b" ")) for name, value in headers.fields)
    try:
        layers_http.validate_headers(response)
        size = http1.expected_http_body_size(flow.request, response)
    except ValueError:
        return "the answer's head is none"
    if any(_BREAKS.search(value) for _, value in headers.fields):
        return "the answer's head is none"
    return TOO_LARGE_ANSWER if size is not None and size > most else None


def _response_headers_or(answers: Answers) -> Callable[[HttpStream, ResponseHeaders], Commands]:
    def ripens_in(stream: HttpStream, seconds: float) -> asyncio.TimerHandle:
        return answers.after(stream.flow, seconds, _event_for(stream, _Ripening(stream)))

    ways = holding.Ways(_replaced, lambda stream: _cut(stream, answers, CUT_OFF), ripens_in)

    def state_wait_for_response_headers(self: HttpStream, event: ResponseHeaders) -> Commands:
        """Take an answer's head. Where the hook puts another answer in its place, nothing of the origin's goes on.

        Stock would put the origin's body behind the head of ours.
        """
        self.flow.response = event.response
        if (yield from self.check_invalid(False)):
            return
        yield HttpResponseHeadersHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        if self.flow.response is not event.response:
            yield from _replaced(self)
        elif self.flow.response.stream and not event.end_stream:
            screen = self.flow.metadata.get(holding.SCREEN)
            yield from self.start_response_stream() if screen is None else holding.begin(self, screen, ways)
        else:
            self.server_state = self.state_consume_response_body

    return state_wait_for_response_headers


def _replaced(stream: HttpStream) -> Commands:
    yield _towards_origin(stream, "refused")
    yield from _send_now(stream)


_original_start_request_stream = HttpStream.start_request_stream


def _start_request_stream(self: HttpStream) -> Commands:
    """Answer a blocked upload at once and drop its body; stock raises here, and the client hangs (item 7)."""
    if self.flow.response:
        yield from _send_now(self)
    else:
        yield from _original_start_request_stream(self)


_original_protocol_error = HttpStream.handle_protocol_error


def _protocol_error_or(answers: Answers) -> Callable[[HttpStream, Any], Any]:
    def handle_protocol_error(self: HttpStream, event: Any) -> Commands:
        """Send our page where an exchange breaks off before it is answered: stock sends its own (item 8).

        What we break off ourselves, or what a client's body breaks, is ended on both sides.
        """
        ours = event.message.startswith(OURS)
        unanswered = self.server_state == self.state_wait_for_response_headers or holding.is_held(self)
        waits = unanswered and self.client_state != self.state_errored
        if waits and (ours or isinstance(event, ResponseProtocolError)):
            if ours:
                yield _towards_origin(self, event.message)
            answers.answer_failure(self.flow, event.message)
            yield from _send_now(self)
        elif ours and self.state_errored not in (self.client_state, self.server_state):  # else it has no origin
            yield from _cut(self, answers, event.message)
        else:
            yield from _original_protocol_error(self, event)

    return handle_protocol_error


def _cut(stream: HttpStream, answers: Answers, error: str) -> Commands:
    """End both sides of an answer that has begun: HTTP/2 gets a reset stream, HTTP/1.1 a closed connection."""
    answers.cut(stream.flow, error)
    if stream.server_state != stream.state_done:
        yield _towards_origin(stream, error)
    stream.flow.live = False
    stream.client_state = stream.server_state = stream.state_errored
    error_event = ResponseProtocolError(stream.stream_id, error, ErrorCode.GENERIC_SERVER_ERROR)
    yield SendHttp(error_event, stream.context.client)
    yield DropStream(stream.stream_id)


def _towards_origin(stream: HttpStream, error: str) -> SendHttp:
    return SendHttp(RequestProtocolError(stream.stream_id, error, ErrorCode.CANCEL), stream.context.server)


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
            answers.under_way(self.flow, _breaking(self))
            return True
        answers.answer_failure(self.flow, error)
        yield from _send_now(self)
        return False

    return make_server_connection


@dataclass(frozen=True, slots=True)
class _Breaking:
    """Stands where mitmproxy keeps who asked for a wake-up: the wake-up becomes the end of one stream."""

    stream_id: int
    error: str

    def handle_event(self, _: events.Event) -> Commands:
        """Break the stream off."""
        yield ReceiveHttp(ResponseProtocolError(self.stream_id, self.error, ErrorCode.GENERIC_SERVER_ERROR))


@dataclass(frozen=True, slots=True)
class _Ripening:
    """Stands there as well: the wake-up judges what is held of an answer."""

    stream: HttpStream

    def handle_event(self, _: events.Event) -> Commands:
        """Judge it."""
        yield from holding.ripe(self.stream)


def _breaking(stream: HttpStream) -> Callable[[str], events.Event]:
    """Give what makes the event that breaks this stream off, from outside of mitmproxy's layers."""
    return lambda error: _event_for(stream, _Breaking(stream.stream_id, error))()


def _event_for(stream: HttpStream, source: _Breaking | _Ripening) -> Callable[[], events.Event]:
    """Give what makes the event that `source` handles, among the layers that this stream is one of."""
    parent: Any = stream.context.layers[stream.context.layers.index(stream) - 1]

    def event() -> events.Event:
        wake_up = commands.RequestWakeup(0)
        parent.command_sources[wake_up] = source
        return events.Wakeup(wake_up)

    return event


def _send_now(stream: HttpStream) -> Generator[Any, Any, None]:
    """Send the flow's response, whatever of the request is still to come, and take nothing more of this stream."""
    response = stream.flow.response
    assert response is not None  # noqa: S101  # both callers have just set it
    if stream.client_state != stream.state_done and not stream.flow.request.is_http2:
        response.headers["connection"] = "close"  # the body that still comes must not be read as the next request
    stream.flow.live = False
    stream.client_state = stream.server_state = stream.state_errored
    content = response.raw_content or b""
    yield SendHttp(ResponseHeaders(stream.stream_id, response, end_stream=not content), stream.context.client)
    if content:
        yield SendHttp(ResponseData(stream.stream_id, content), stream.context.client)
    yield DropStream(stream.stream_id)
    yield SendHttp(ResponseEndOfMessage(stream.stream_id), stream.context.client)
