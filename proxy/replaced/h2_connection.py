"""An HTTP/2 connection with bounds: windows, queues, streams, heads, resets and frames that carry nothing.

It stands in the place of mitmproxy's BufferedH2Connection, whose windows are 2^31-1 and whose queue has no end: a
client that did not open its window made a worker grow from 79 to 520 MB (reference/engine.md, item 6). What is sent
waits here until the peer's windows open; what is received is acknowledged when it has left (proxy/replaced/flow.py says
when).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2 import connection, events
from h2.connection import ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import InvalidBodyLengthError
from h2.settings import SettingCodes
from h2.stream import H2Stream, StreamClosedBy, StreamState
from hyperframe import frame as frames

from proxy.replaced.floods import Patience
from proxy.replaced.h2_heads import BoundedFrames, HeadClock
from proxy.replaced.h2_queues import Queues

if TYPE_CHECKING:
    from h2.config import H2Configuration

    from config.proxy_settings import Limits
    from proxy.replaced.h2_queues import Trailers

#: All streams of a connection together may have so many windows of bytes on their way.
STREAMS_FULL = 16

#: The largest DATA frame that is taken, in bytes. One is read whole before it is handled.
_FRAME_BYTES = 64 * 1024

#: A header list is read up to so many times `head_bytes`, so that the answer can be 431; beyond, the connection ends.
_HEADS_READ = 4

#: DATA of a client that carries less than this is counted like a frame that carries nothing, in bytes.
_CRUMB = 32

#: No stream has a higher number (RFC 9113, section 5.1.1).
_ALL_STREAMS = 2**31 - 1

_OPEN = (StreamState.OPEN, StreamState.HALF_CLOSED_REMOTE)


class Leaving(events.Event):
    """The peer opens no further stream here, and may leave those above `last_stream_id` unanswered."""

    def __init__(self, last_stream_id: int) -> None:
        self.last_stream_id = last_stream_id


class BoundedConnection(H2Connection):
    """h2's connection, with a queue a stream. Raises what h2 raises; Flood from `receive_data`."""

    def __init__(self, limits: Limits, config: H2Configuration) -> None:
        super().__init__(config)
        self._window = limits.h2_window_bytes
        self._patience = Patience(limits.h2_resets_per_minute)
        self._queues = Queues()
        self._dismissed: set[int] = set()
        self._announced = self._leaving = False
        #: Whether the peer opens no further stream.
        self.left = False
        #: Connections that somebody waits for on behalf of this one (proxy/replaced/flow.py).
        self.awaited: set[object] = set()
        #: Bytes received that are not acknowledged yet, by stream.
        self.held: dict[int, int] = {}
        self.local_settings.update(
            {
                SettingCodes.INITIAL_WINDOW_SIZE: self._window,
                SettingCodes.MAX_FRAME_SIZE: _FRAME_BYTES,
                SettingCodes.MAX_HEADER_LIST_SIZE: limits.head_bytes,
                SettingCodes.MAX_CONCURRENT_STREAMS: limits.h2_streams,
            }
        )
        self.local_settings.acknowledge()  # in force at once, and announced by initiate_connection
        self.max_inbound_frame_size = _FRAME_BYTES
        self.incoming_buffer = BoundedFrames(limits.head_bytes * _HEADS_READ, server=not config.client_side)
        self.head_clock = HeadClock(self.incoming_buffer)
        self.decoder.max_header_list_size = limits.head_bytes * _HEADS_READ

    def initiate_connection(self) -> None:
        """Announce our settings and the window of the whole connection."""
        super().initiate_connection()
        self.increment_flow_control_window(STREAMS_FULL * self._window - self.inbound_flow_control_window)

    # What is sent

    def send_data(self, stream_id: int, data: bytes, end_stream: bool = False, pad_length: None = None) -> None:  # type: ignore[override]
        """Send what the windows allow now, and keep the rest."""
        del pad_length
        if stream_id not in self._queues:
            now = data[: max(0, self.local_flow_control_window(stream_id))]
            whole = len(now) == len(data)
            self._send(stream_id, now, ends=end_stream and whole)
            if whole:
                return
            data = data[len(now) :]
        self._queues.keep(stream_id, data, ends=end_stream)

    def send_trailers(self, stream_id: int, trailers: Trailers) -> None:
        """Send trailers, after all that waits."""
        if stream_id in self._queues:
            self._queues.keep_trailers(stream_id, trailers)
        else:
            self.send_headers(stream_id, trailers, end_stream=True)
            self._ended(stream_id)

    def end_stream(self, stream_id: int) -> None:
        """End our side of a stream, after all that waits."""
        if not self._queues.has_trailers(stream_id):
            self.send_data(stream_id, b"", end_stream=True)

    def reset_stream(self, stream_id: int, error_code: ErrorCodes | int = 0) -> None:
        """Break a stream off."""
        self._forget(stream_id)
        super().reset_stream(stream_id, error_code)

    def dismiss(self, stream_id: int) -> None:
        """Ask a client to stop sending as soon as it has the whole answer: RFC 9113, section 8.1."""
        stream = self.streams.get(stream_id)
        if stream is None or stream.closed:
            return
        if stream.state_machine.state is StreamState.HALF_CLOSED_LOCAL:
            self.reset_stream(stream_id, ErrorCodes.NO_ERROR)
        elif stream.state_machine.state is StreamState.OPEN:
            self._dismissed.add(stream_id)

    def leave(self) -> None:
        """Say that we leave; said again, take no further stream. Those that are open go on, unlike with h2's own.

        The first time still takes what the client had sent before it heard of it (RFC 9113, section 6.8).
        """
        if self._leaving:
            return
        self._leaving, self._announced = self._announced, True
        last = self.highest_inbound_stream_id if self._leaving else _ALL_STREAMS
        self._prepare_for_sending([frames.GoAwayFrame(0, last_stream_id=last)])

    @property
    def queued(self) -> dict[int, int]:
        """Bytes that wait for the peer's windows, by stream."""
        return self._queues.sizes

    @property
    def has_output(self) -> bool:
        """Whether there is something to take from `data_to_send`."""
        return bool(self._data_to_send)

    @property
    def terminated(self) -> bool:
        """Whether GOAWAY has ended the connection."""
        return self.state_machine.state is ConnectionState.CLOSED

    @property
    def idle(self) -> bool:
        """Whether no stream is open and nothing waits."""
        return not self._queues and not self.open_inbound_streams and not self.open_outbound_streams

    def _send(self, stream_id: int, data: bytes, *, ends: bool) -> None:
        size = self.max_outbound_frame_size
        for start in range(0, len(data), size):
            super().send_data(stream_id, data[start : start + size], end_stream=ends and start + size >= len(data))
        if ends and not data:
            super().end_stream(stream_id)  # needs no window
        if ends:
            self._ended(stream_id)
        self._patience.earn(len(data))

    def _send_waiting(self, stream_id: int) -> None:
        stream = self.streams.get(stream_id)
        if stream is None or stream.state_machine.state not in _OPEN:
            self._forget(stream_id)
            return
        while piece := self._queues.take(stream_id, self.local_flow_control_window(stream_id)):
            self._send(stream_id, piece.data, ends=piece.ends)
        if self._queues.pending(stream_id):
            self._queues.last(stream_id)
        elif (trailers := self._queues.forget(stream_id)) is not None:
            self.send_trailers(stream_id, trailers)

    def _ended(self, stream_id: int) -> None:
        if stream_id in self._dismissed:
            self._dismissed.remove(stream_id)
            self.dismiss(stream_id)

    def _forget(self, stream_id: int) -> None:
        self._queues.forget(stream_id)
        self._dismissed.discard(stream_id)

    # What is received

    def acknowledge_received_data(self, acknowledged_size: int, stream_id: int) -> None:
        """Hold the acknowledgement: the bytes are received, but they have not left."""
        if acknowledged_size:
            self.held[stream_id] = self.held.get(stream_id, 0) + acknowledged_size

    def release(self, stream_id: int, size: int) -> None:
        """Acknowledge bytes that have left."""
        left = self.held[stream_id] - size
        if left:
            self.held[stream_id] = left
        else:
            del self.held[stream_id]
        super().acknowledge_received_data(size, stream_id)

    def receive_data(self, data: bytes) -> list[events.Event]:
        """Take bytes, send what they make room for, and give the events that are left for others."""
        return [event for event in super().receive_data(data) if not self._is_window(event)]

    def _is_window(self, event: events.Event) -> bool:
        """Send what an event makes room for; whether that is all that it means."""
        if isinstance(event, events.WindowUpdated):
            self._room(event.stream_id)
            return True
        if isinstance(event, events.RemoteSettingsChanged):
            if SettingCodes.INITIAL_WINDOW_SIZE in event.changed_settings:
                self._room(0)
        elif isinstance(event, events.StreamReset):
            self._forget(event.stream_id)
        elif isinstance(event, events.ConnectionTerminated):
            for stream_id in self._queues:
                self._forget(stream_id)
        return False

    def _room(self, opened: int) -> None:
        """Send on the stream that was opened; on all where that is the connection (0)."""
        for stream_id in self._queues:
            if opened in (0, stream_id):
                self._send_waiting(stream_id)

    def _receive_frame(self, frame: frames.Frame) -> list[events.Event]:
        if self._carries_nothing(frame):
            self._patience.spend()
        if isinstance(frame, frames.RstStreamFrame) and not self.config.client_side:
            self._patience.reset_by_peer(self.streams.get(frame.stream_id))
        return super()._receive_frame(frame)

    def _carries_nothing(self, frame: frames.Frame) -> bool:
        if isinstance(frame, frames.DataFrame):
            least = 1 if self.config.client_side else _CRUMB
            return len(frame.data) < least and "END_STREAM" not in frame.flags
        return not isinstance(frame, frames.HeadersFrame | frames.RstStreamFrame | frames.GoAwayFrame)

    def _receive_headers_frame(self, frame: frames.HeadersFrame) -> tuple[list[frames.Frame], list[events.Event]]:
        new = not self.config.client_side and frame.stream_id > self.highest_inbound_stream_id
        if new and frame.stream_id % 2 and (self._leaving or self._full()):
            return self._refuse(frame)
        answer = super()._receive_headers_frame(frame)
        stream = self.streams[frame.stream_id]
        if "END_STREAM" in frame.flags and not _as_announced(stream, answer[1][0]):
            return self._break_off(frame.stream_id)
        return answer

    def _full(self) -> bool:
        return self.open_inbound_streams >= self.local_settings.max_concurrent_streams

    def _refuse(self, frame: frames.HeadersFrame) -> tuple[list[frames.Frame], list[events.Event]]:
        """Refuse one stream more than was announced; h2 would end the connection. It may be asked again elsewhere."""
        self._patience.spend()
        connection._decode_headers(self.decoder, frame.data)  # the state of the compression is shared by all streams
        self.highest_inbound_stream_id = frame.stream_id
        self._closed_streams[frame.stream_id] = StreamClosedBy.SEND_RST_STREAM
        return [frames.RstStreamFrame(frame.stream_id, error_code=ErrorCodes.REFUSED_STREAM)], []

    def _receive_data_frame(self, frame: frames.DataFrame) -> tuple[list[frames.Frame], list[events.Event]]:
        try:
            return super()._receive_data_frame(frame)
        except InvalidBodyLengthError:
            self.acknowledge_received_data(frame.flow_controlled_length, frame.stream_id)
            return self._break_off(frame.stream_id)

    def _break_off(self, stream_id: int) -> tuple[list[frames.Frame], list[events.Event]]:
        """End one stream whose body has not the length that was announced: RFC 9113, section 8.1.1."""
        code = ErrorCodes.PROTOCOL_ERROR
        answer: list[frames.Frame] = []
        if not self.streams[stream_id].closed:
            answer = self.streams[stream_id].reset_stream(code)
        if not self.config.client_side:
            self._patience.reset()
        return answer, [events.StreamReset(stream_id=stream_id, error_code=code, remote_reset=False)]

    def _receive_goaway_frame(self, frame: frames.GoAwayFrame) -> tuple[list[frames.Frame], list[events.Event]]:
        """Let open streams finish where the peer only says that it takes no further one; h2 would end them all."""
        if frame.error_code != ErrorCodes.NO_ERROR:
            return super()._receive_goaway_frame(frame)
        return [], [Leaving(frame.last_stream_id)]


def _as_announced(stream: H2Stream, head: events.Event) -> bool:
    """Whether a body that ends with a head has the length that was announced; h2 looks at DATA alone."""
    expected = stream._expected_content_length
    if isinstance(head, events.ResponseReceived) and dict(head.headers or ()).get(b":status") in (b"204", b"304"):
        return True
    return expected is None or expected == stream._actual_content_length
