"""HTTP/1.1 towards origins: one answer a request, its head bounded, and requests framed for their next hop."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from mitmproxy.net.http import http1
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http import (
    ErrorCode,
    ReceiveHttp,
    RequestHeaders,
    RequestTrailers,
    ResponseHeaders,
    ResponseProtocolError,
    _http1,
)
from mitmproxy.proxy.layers.http._http1 import Http1Client

from proxy.hop_by_hop import asks_websocket
from proxy.replaced import head_time
from proxy.replaced.part import Answers, Part
from proxy.upstream import TIMEOUT, ours

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mitmproxy import http

    Commands = Generator[Any, Any, None]

#: Interim answers that are passed over before the real one (RFC 9110, section 15.2); all heads together are bounded.
_INTERIM = 20

_STATUS_LINE = re.compile(rb"HTTP/1\.[01][ \t]+[1-9][0-9]{2}(?:[ \t][^\x00\r\n]*)?")


class NoAnswer(ValueError):
    """What an origin sent is no answer that can go to a client. The message is in words of ours."""


def parts(answers: Answers) -> tuple[Part, ...]:
    """Give what is replaced here."""
    return (
        Part(
            Http1Client,
            "_handle_event",
            "2ac8db3e43ae743fd21f78709327091ff712e8c0addf4466f1f1f972c24750d2",
            _handled_or(answers),
        ),
        Part(
            Http1Client,
            "read_headers",
            "415454c5fa8b598177bdf456581a30f54c4af591bc3c3dd68ea774b5cd178977",
            _headers_read_or(answers),
        ),
        Part(Http1Client, "send", "35d961e20d4812046b21ccbb4e616b38f2898780b32363b943a0b31fa499f871", _send_framed),
    )


_original_handle_event = Http1Client._handle_event


def _handled_or(answers: Answers) -> Callable[[Any, events.Event], Commands]:
    def _handle_event(self: Any, event: events.Event) -> Commands:
        """Do what stock does, and look at the answer's head that has begun when its time is up."""
        if isinstance(event, events.Wakeup):
            late = partial(_unusable, self, ours(TIMEOUT, "the head of the answer does not end"))
            yield from head_time.woken(self, answers.limits.head_seconds, late)
        else:
            yield from _original_handle_event(self, event)

    return _handle_event


def _unusable(client: Any, text: str) -> Commands:
    yield commands.CloseConnection(client.conn)
    yield ReceiveHttp(ResponseProtocolError(client.stream_id, text, ErrorCode.GENERIC_SERVER_ERROR))


_original_read_headers = Http1Client.read_headers


def _headers_read_or(answers: Answers) -> Callable[[Any, events.ConnectionEvent], Commands]:
    def read_headers(self: Any, event: events.ConnectionEvent) -> Commands:
        """Pass over interim answers and read the real one; stock takes 103 for it, and a head of any size."""
        if not isinstance(event, events.DataReceived) or not self.request:
            yield from _original_read_headers(self, event)
            return
        try:
            response = _next_answer(self, answers.limits.head_bytes)
            size = http1.expected_http_body_size(self.request, response) if response else 0
        except ValueError as error:
            text = str(error) if isinstance(error, NoAnswer) else "an answer that cannot be read"
            yield from _unusable(self, text)
            return
        if response is None and self.buf:
            yield from head_time.begin(self, answers.limits.head_seconds)
        elif response is not None:
            self.interim = self.interim_bytes = 0
            self.response = response
            yield ReceiveHttp(ResponseHeaders(self.stream_id, response, size == 0))
            self.body_reader = _http1.make_body_reader(size)
            self.state = self.read_body
            yield from self.state(event)

    return read_headers


def _next_answer(client: Any, most: int) -> http.Response | None:
    """Take the next final answer's head; None where it has not come whole.

    Raises NoAnswer, ValueError.
    """
    while True:
        before = len(client.buf)
        lines = client.buf.maybe_extract_lines()
        client.interim_bytes = getattr(client, "interim_bytes", 0) + before - len(client.buf)
        if client.interim_bytes + (len(client.buf) if lines is None else 0) > most:
            raise NoAnswer("the head of the answer is too large")
        if lines is None:
            return None
        client.head_since = None  # whatever comes next has its own time; an origin may think between two of them
        if not lines:
            continue  # an empty line before an answer
        if not _STATUS_LINE.fullmatch(lines[0]):
            raise NoAnswer("an answer with a status line that is none")
        response = http1.read_response_head([bytes(line) for line in lines])
        if _is_final(client, response):
            return response


def _is_final(client: Any, response: http.Response) -> bool:
    """Tell a final answer, and a change to WebSocket that was asked for, from an interim one.

    Raises NoAnswer.
    """
    if response.status_code == 101:
        if not _switches(client.request, response):
            raise NoAnswer("a change of protocol that was not asked for")
        return True
    if response.status_code >= 200:
        return True
    client.interim = getattr(client, "interim", 0) + 1
    if client.interim > _INTERIM:
        raise NoAnswer("too many interim answers")
    return False


def _switches(request: http.Request, response: http.Response) -> bool:
    """True for WebSocket on both sides: behind any other 101 bytes would go through unseen (RFC 6455, section 4)."""
    asked = asks_websocket(request.headers.fields) and request.headers.get("sec-websocket-version") == "13"
    return asked and asks_websocket(response.headers.fields)


_original_send = Http1Client.send


def _send_framed(self: Any, event: Any) -> Commands:
    """Frame a body that comes from HTTP/2 without a length: its bytes would else be read as the next request.

    RFC 9113, section 8.2.2, has no transfer coding; RFC 9112, section 6.1, needs one where no length is known.
    Trailers are dropped (RFC 9110, section 6.5.1), so none are asked for either.
    """
    if isinstance(event, RequestTrailers):
        return
    if isinstance(event, RequestHeaders):
        request = event.request
        downgraded = request.is_http2 and not event.end_stream and "content-length" not in request.headers
        if downgraded or "te" in request.headers:
            event.request = request.copy()
            event.request.headers.pop("te", None)
        if downgraded:
            event.request.headers["transfer-encoding"] = "chunked"
    yield from _original_send(self, event)
