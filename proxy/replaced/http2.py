"""HTTP/2 towards clients and origins: bounded, what is none is recorded, and mitmproxy says nothing in its own name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from h2 import events as h2_events
from h2.errors import ErrorCodes
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http import (
    ErrorCode,
    GetHttpConnection,
    HttpLayer,
    ReceiveHttp,
    RequestProtocolError,
    ResponseEndOfMessage,
    ResponseProtocolError,
    _http2,
)
from mitmproxy.proxy.layers.http._http2 import Http2Client, Http2Connection, Http2Server

from proxy.replaced.floods import Flood
from proxy.replaced.flow import Flush, WhenRoom, bounded
from proxy.replaced.h2_connection import BoundedConnection, Leaving
from proxy.replaced.part import Answers, Part
from proxy.upstream import MALFORMED, TIMEOUT, ours

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mitmproxy.connection import Connection


class Leave(commands.RequestWakeup):
    """Never asked for: its Wakeup tells a client's connection to take no further request (Handler.leave)."""


class _HeadDue(commands.RequestWakeup):
    """Its Wakeup looks whether the head that had begun is whole by now."""


def parts(answers: Answers) -> tuple[Part, ...]:
    """Give what is replaced here."""
    return (
        Part(
            _http2,
            "BufferedH2Connection",
            "f983b7220f47b60a77e0953702b146e279c3ef3404c9d71248017fd20e68717e",
            partial(_bounded, answers),
        ),
        Part(_http2, "format_error", "26271a67770fbaf15df76fbce2eae73accd7c5559ba7c0181056e0992abd4d2f", _no_words),
        *_towards_clients(answers),
        *_towards_origins(answers),
    )


def _towards_clients(answers: Answers) -> tuple[Part, ...]:
    return (
        Part(
            Http2Server,
            "_handle_event",
            "7282fa18e70a3eaac6f66a4b06dccafa34576a5bfe79feae6b2b212b42165b3c",
            _server_event_or(answers),
        ),
        Part(
            Http2Server,
            "handle_h2_event",
            "d24a023c678de6ced81275c0ebf2aba54d976e5326965d8c0e952b4cd4f5fb76",
            _server_h2_event_or(answers),
        ),
        Part(
            Http2Server,
            "protocol_error",
            "461f5e7de9c9b687b68e74b49413d0043ad138184324f2e7631a8b6cfba1c887",
            _http2_refused_or(answers),
        ),
    )


def _towards_origins(answers: Answers) -> tuple[Part, ...]:
    leaving: WeakSet[Connection] = WeakSet()
    return (
        Part(
            Http2Client,
            "_handle_event",
            "02de05a5b89f087b3d5bf577599921ee1f8931adf4ed74e65571e776f29892ba",
            _client_event_or(answers),
        ),
        Part(
            Http2Client,
            "handle_h2_event",
            "ff6f4bd9271693b89abd45890d54040322d246d2e273c07efb712f9b6d81c8b4",
            _client_h2_event_or(leaving),
        ),
        Part(
            GetHttpConnection,
            "connection_spec_matches",
            "d1c7cdec843ece5ffc10877b42a42d59df6815d5ebc26e509df820e7f26751c4",
            _not_leaving_or(leaving),
        ),
    )


def _bounded(answers: Answers, config: Any) -> BoundedConnection:
    return BoundedConnection(answers.limits, config)


_original_server_event = Http2Server._handle_event


def _server_event_or(answers: Answers) -> Callable[[Http2Server, Any], Any]:
    def handle_event(self: Http2Server, event: events.Event) -> Generator[Any, Any, None]:
        """Send what is ready, ask a client to stop that has its whole answer, and end a connection that leaves."""
        if isinstance(event, Flush | events.Wakeup):
            yield from _flush(self, event)
        else:
            yield from _original_server_event(self, event)
        if isinstance(event, ResponseEndOfMessage | ResponseProtocolError):
            bounded(self).dismiss(event.stream_id)
            yield from _send_ready(self)
        elif isinstance(event, events.DataReceived | events.Wakeup):
            late = "no complete head within the time limit"
            yield from _watch_head(self, answers, lambda: _refuse(self, answers, late))
        yield from _end_if_left(self)

    return handle_event


def _watch_head(
    connection: Http2Connection, answers: Answers, end: Callable[[], Generator[Any, Any, None]]
) -> Generator[Any, Any, None]:
    """Start the clock where a head has begun, and `end` a connection on which it takes too long, however it drips."""
    clock = bounded(connection).head_clock
    left = clock.left(answers.limits.head_seconds)
    if left is None or connection._handle_event == connection.done:
        return
    if left <= 0:
        yield from end()
    elif not clock.watched:
        clock.watched = True
        yield _HeadDue(left)


_original_client_event = Http2Client._handle_event


def _client_event_or(answers: Answers) -> Callable[[Http2Client, Any], Any]:
    def handle_event(self: Http2Client, event: events.Event) -> Generator[Any, Any, None]:
        """Send what is ready, end a connection that its origin leaves, and one on which a head does not end."""
        if isinstance(event, Flush):
            yield from _send_ready(self)
        elif isinstance(event, events.Wakeup) and isinstance(event.command, _HeadDue):
            bounded(self).head_clock.watched = False
        else:
            yield from _original_client_event(self, event)
        if isinstance(event, events.DataReceived | events.Wakeup):
            late = ours(TIMEOUT, "the head of the answer does not end")
            yield from _watch_head(self, answers, lambda: self.close_connection(late))
        yield from _end_if_left(self)

    return handle_event


def _flush(connection: Http2Connection, event: events.Event) -> Generator[Any, Any, None]:
    if isinstance(event, events.Wakeup) and isinstance(event.command, WhenRoom):
        bounded(connection).awaited.discard(event.command.connection)
    elif isinstance(event, events.Wakeup) and isinstance(event.command, _HeadDue):
        bounded(connection).head_clock.watched = False
    elif isinstance(event, events.Wakeup):
        bounded(connection).leave()
    yield from _send_ready(connection)


def _send_ready(connection: Http2Connection) -> Generator[Any, Any, None]:
    if bounded(connection).has_output:
        yield commands.SendData(connection.conn, bounded(connection).data_to_send())


def _end_if_left(connection: Http2Connection) -> Generator[Any, Any, None]:
    """Close a connection on which the last stream has ended and no other comes."""
    if bounded(connection).left and bounded(connection).idle and connection._handle_event != connection.done:
        yield from connection.close_connection("the connection has served its last stream")


_original_server_h2_event = Http2Server.handle_h2_event


def _server_h2_event_or(answers: Answers) -> Callable[[Http2Server, Any], Any]:
    def handle_h2_event(self: Http2Server, event: Any) -> Generator[Any, Any, bool]:
        """Refuse and record floods, heads that are too large, and streams that break the rules."""
        if isinstance(event, Flood):
            yield from _refuse(self, answers, answers.flooded(self.context.client, str(event)))
            return True
        if isinstance(event, Leaving):
            bounded(self).left = True
            return False
        if isinstance(event, h2_events.RequestReceived) and _list_size(event.headers) > answers.limits.head_bytes:
            answers.note_refusal(self.context.client, 431, "the head is too large")
            self.h2_conn.send_headers(event.stream_id, _TOO_LARGE, end_stream=True)
            bounded(self).dismiss(event.stream_id)
            return False
        if isinstance(event, h2_events.StreamReset) and not event.remote_reset:
            yield from _break_off(self, answers, event.stream_id)
            return False
        return (yield from _original_server_h2_event(self, event))

    return handle_h2_event


def _break_off(server: Http2Server, answers: Answers, stream_id: int) -> Generator[Any, Any, None]:
    """Record a request that breaks the rules of its stream; the connection goes on (RFC 9113, section 8.1.1)."""
    if server.streams.pop(stream_id, None) is None:
        answers.note_refusal(server.context.client, 0, "a request of another length than it says")
        return
    text = ours(MALFORMED, "of another length than announced")
    stream = next(each for each in server.context.layers if isinstance(each, HttpLayer)).streams.get(stream_id)
    if stream is not None:
        answers.cut(stream.flow, text)  # now: the client may leave before its stream hears of it
    yield ReceiveHttp(RequestProtocolError(stream_id, text, ErrorCode.GENERIC_CLIENT_ERROR))


_TOO_LARGE = ((b":status", b"431"), (b"content-length", b"0"))


def _list_size(headers: Any) -> int:
    """Give the size of a header list as it is announced: RFC 9113, section 6.5.2."""
    return sum(len(name) + len(value) + 32 for name, value in headers)


_original_client_h2_event = Http2Client.handle_h2_event


def _client_h2_event_or(leaving: WeakSet[Connection]) -> Callable[[Http2Client, Any], Any]:
    def handle_h2_event(self: Http2Client, event: Any) -> Generator[Any, Any, bool]:
        """Where an origin leaves, let it finish what it has begun; stock breaks off everything."""
        if not isinstance(event, Leaving):
            return (yield from _original_client_h2_event(self, event))
        leaving.add(self.conn)
        bounded(self).left = True
        for stream_id in [each for each in self.streams if each > event.last_stream_id]:
            del self.streams[stream_id]
            yield ReceiveHttp(_unanswered(stream_id))
        while self.stream_queue:
            theirs, _ = self.stream_queue.popitem()
            self.their_stream_id[-theirs] = theirs  # it never had a number of its own here
            yield ReceiveHttp(_unanswered(-theirs))
        return False

    return handle_h2_event


def _unanswered(stream_id: int) -> ResponseProtocolError:
    return ResponseProtocolError(stream_id, "the origin takes no further request", ErrorCode.GENERIC_SERVER_ERROR)


_original_matches = GetHttpConnection.connection_spec_matches


def _not_leaving_or(leaving: WeakSet[Connection]) -> Callable[[GetHttpConnection, Connection], bool]:
    def connection_spec_matches(self: GetHttpConnection, connection: Connection) -> bool:
        """Ask nothing more of a connection that its origin leaves.

        Nor of one that has failed: stock says the same of every later request of a client, without trying again.
        """
        return _original_matches(self, connection) and connection not in leaving and not connection.error

    return connection_spec_matches


def _http2_refused_or(answers: Answers) -> Callable[..., Any]:
    def protocol_error(self: Http2Server, message: str, *code: int) -> Generator[Any, Any, None]:
        """Record what a client sent that is no HTTP/2; the answer is GOAWAY."""
        del message, code
        yield from _refuse(self, answers, "HTTP/2 that cannot be read")

    return protocol_error


def _refuse(server: Http2Server, answers: Answers, why: str) -> Generator[Any, Any, None]:
    answers.note_refusal(server.context.client, 0, why)
    if not bounded(server).terminated:  # else h2 has said GOAWAY already
        server.h2_conn.close_connection(ErrorCodes.PROTOCOL_ERROR)
    yield commands.SendData(server.conn, server.h2_conn.data_to_send())
    yield from server.close_connection(why)


def _no_words(status_code: int, message: str) -> bytes:
    """Say nothing in mitmproxy's name on an HTTP/2 stream that only it can answer."""
    del status_code, message
    return b""
