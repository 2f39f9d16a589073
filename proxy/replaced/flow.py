"""Backpressure: nothing more is taken from a client or an origin than the other side has room for.

HTTP/1.1 carries one message at a time, so its socket is not read (`waiting` says when; proxy/master.py does it, in the
task of that socket). An HTTP/2 connection is shared by many, so it is always read, and what cannot leave yet is not
acknowledged: its stream stops, the others go on (reference/engine.md, item 6). Bytes that have left show in what is
left of the stream: after every event, what is held is compared with what still waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http import HttpLayer, _base
from mitmproxy.proxy.layers.http._http1 import Http1Client
from mitmproxy.proxy.layers.http._http2 import Http2Client, Http2Connection

from proxy.replaced.h2_connection import STREAMS_FULL, BoundedConnection
from proxy.replaced.part import Answers, HasRoom, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator

    from mitmproxy.connection import Connection
    from mitmproxy.proxy.layer import Layer
    from mitmproxy.proxy.layers.http import HttpStream

#: What one stream may have waiting even where the connection as a whole is full, in bytes: none stops another.
_LEAST = 64 * 1024

#: A stream that waits for a hook or a connection keeps what comes one by one: so many pieces at most.
_PIECES = 1000

#: More than any stream holds.
ALL = 2**31


class WhenRoom(commands.RequestWakeup):
    """Wake the connection that asks when what was written to `connection` has left."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(0)
        self.connection = connection


class Flush(_base.HttpEvent):
    """Tell an HTTP/2 connection that it has something to send: acknowledgements, or GOAWAY."""


def parts(answers: Answers) -> tuple[Part, ...]:
    """Give what is replaced here."""
    return (
        Part(
            HttpLayer,
            "_handle_event",
            "6ba31883cc7a06b3c6e0c69dc231ae54618e6a9a7e543ec5ea43e1b698da31c7",
            _settled_or(answers),
        ),
    )


_original_handle_event = HttpLayer._handle_event


def _settled_or(answers: Answers) -> Callable[[HttpLayer, events.Event], Any]:
    def _handle_event(self: HttpLayer, event: events.Event) -> Generator[Any, Any, None]:
        """Acknowledge what has left with this event, wake those who wait for room, and forget what is closed."""
        yield from _original_handle_event(self, event)
        room = answers.room(self.context.client)
        if room is None:
            return
        for top in list(self.connections.values()):
            source = _inner(top)
            if isinstance(source, Http2Connection) and bounded(source).held:
                yield from _settle(self, top, source, room)
        if isinstance(event, events.ConnectionClosed):
            _forget(self, event.connection)
        room.moved()

    return _handle_event


def _settle(http: HttpLayer, top: Layer, source: Http2Connection, room: HasRoom) -> Generator[Any, Any, None]:
    """Acknowledge what one HTTP/2 connection sent and what has left."""
    for stream_id, held in list(bounded(source).held.items()):
        stays = _left_of_answer(http, source, stream_id) if isinstance(source, Http2Client) else None
        if stays is None:
            stays = yield from _left_of_request(http, top, source, stream_id, room)
        if stays < held:
            bounded(source).release(stream_id, held - stays)
    if bounded(source).has_output:
        yield from http.event_to_child(top, Flush(0))


def _left_of_answer(http: HttpLayer, source: Http2Client, stream_id: int) -> int:
    theirs = source.their_stream_id[stream_id]
    stream = http.streams.get(theirs)
    if stream is not None and stream._paused:
        return ALL
    sink = _inner(http.connections[http.context.client])
    return bounded(sink).queued.get(theirs, 0) if isinstance(sink, Http2Connection) else 0


def _left_of_request(
    http: HttpLayer, top: Layer, source: Http2Connection, stream_id: int, room: HasRoom
) -> Generator[Any, Any, int]:
    stream = http.streams.get(stream_id)
    if stream is None:
        return 0
    server = stream.context.server
    sink = _inner(http.connections.get(server))
    if stream._paused:
        return ALL
    if sink is None:
        return 0
    ours = sink.our_stream_id.get(stream_id) if isinstance(sink, Http2Client) else None
    if ours is None and isinstance(sink, Http2Client):
        return ALL  # it waits until the origin takes one stream more
    if queued := bounded(sink).queued.get(ours, 0) if ours else 0:
        return queued
    if room.has_room(server):
        return 0
    if server not in bounded(source).awaited:
        bounded(source).awaited.add(server)
        command = WhenRoom(server)
        http.command_sources[command] = top
        yield command
    return ALL


def full(http: HttpLayer, source: Connection, window: int) -> bool:
    """Whether so much of what an HTTP/1.1 connection sent waits that it must not be read now."""
    if source is http.context.client:
        return any(_is_full(http, stream, stream.context.server, window) for stream in http.streams.values())
    inner = _inner(http.connections.get(source))
    stream = http.streams.get(inner.stream_id or 0) if isinstance(inner, Http1Client) else None
    return stream is not None and _is_full(http, stream, http.context.client, window)


def idle(http: HttpLayer) -> bool:
    """Whether nothing of an answer waits for the client's windows."""
    client = _inner(http.connections.get(http.context.client))
    return not isinstance(client, Http2Connection) or not bounded(client).queued


def _is_full(http: HttpLayer, stream: HttpStream, towards: Connection, window: int) -> bool:
    sink = _inner(http.connections.get(towards))
    if _many(stream._paused_event_queue, window):
        return True
    if isinstance(sink, Http2Client):
        ours = sink.our_stream_id.get(stream.stream_id)
        unsent = _many(sink.stream_queue[stream.stream_id], window) if stream.stream_id in sink.stream_queue else False
        return unsent or _has_queued(sink, ours, window)
    return isinstance(sink, Http2Connection) and _has_queued(sink, stream.stream_id, window)


def _has_queued(sink: Http2Connection, stream_id: int | None, window: int) -> bool:
    queued = bounded(sink).queued
    whole = sum(queued.values()) > STREAMS_FULL * window
    return stream_id is not None and queued.get(stream_id, 0) > (_LEAST if whole else window)


def _many(pieces: Collection[events.Event], window: int) -> bool:
    return len(pieces) > _PIECES or sum(len(getattr(piece, "data", b"")) for piece in pieces) > window


def bounded(connection: Http2Connection) -> BoundedConnection:
    """Give what stands in the place of mitmproxy's queue (proxy/replaced/http2.py)."""
    return cast("BoundedConnection", connection.h2_conn)


def _inner(top: Layer | None) -> Any:
    """Give the protocol at the end of a connection's stack, as mitmproxy does for injected messages."""
    return top.context.layers[-1] if top is not None else None


def _forget(http: HttpLayer, closed: Connection) -> None:
    """Forget a closed connection to an origin; stock keeps each, with its TLS, for the life of the client's."""
    used = any(stream.context.server is closed for stream in http.streams.values())
    if closed is not http.context.client and not used:
        http.connections.pop(closed, None)
