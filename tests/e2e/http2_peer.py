"""An HTTP/2 client that does as it likes: windows that stay shut, uploads that go on, frames of its own making."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events
import h2.settings

from tests.e2e.raw import Client, credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hyperframe.frame import Frame, GoAwayFrame

    from tests.e2e.network import Network
    from tests.e2e.product import Product

SECONDS = 30
WIDE = 2**30


@dataclass
class Stream:
    """What a peer knows about one request."""

    head: dict[str, str] = field(default_factory=dict)
    size: int = 0
    digest: object = field(default_factory=hashlib.sha256)
    trailers: dict[str, str] = field(default_factory=dict)
    ended: bool = False
    reset: int | None = None  # RST_STREAM and its code

    @property
    def status(self) -> int:
        return int(self.head[":status"])


class _Patient(h2.connection.H2Connection):
    """h2 takes GOAWAY for the end; here what is under way goes on, as in browsers."""

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[h2.events.Event]]:
        event = h2.events.ConnectionTerminated()
        event.error_code, event.last_stream_id = frame.error_code, frame.last_stream_id
        return [], [event]


class Peer:
    """One connection, inside an open tunnel to `host`."""

    def __init__(self, client: Client, authority: str) -> None:
        self._client = client
        self._authority = authority
        self.http = _Patient(h2.config.H2Configuration(header_encoding="utf-8"))
        self.http.local_settings[h2.settings.SettingCodes.ENABLE_PUSH] = 0
        self.http.initiate_connection()
        self.http.increment_flow_control_window(WIDE)
        self.streams: dict[int, Stream] = {}
        self.held: set[int] = set()  # streams whose window stays as it is
        self.goaway: int | None = None
        self.closed = False
        self.flush()

    def head(self, path: str, method: str = "GET") -> list[tuple[str, str]]:
        return [(":method", method), (":scheme", "https"), (":authority", self._authority), (":path", path)]

    def ask(self, path: str, method: str = "GET", *more: tuple[str, str], ends: bool = True) -> int:
        stream = self.http.get_next_available_stream_id()
        self.http.send_headers(stream, [*self.head(path, method), *more], end_stream=ends)
        self.streams[stream] = Stream()
        self.flush()
        return stream

    def ask_slowly(self, path: str, pause: float) -> int:
        """Asks in three pieces, with a pause of so many seconds behind each."""
        stream = self.http.get_next_available_stream_id()
        self.http.send_headers(stream, self.head(path), end_stream=True)
        self.streams[stream] = Stream()
        data = self.http.data_to_send()
        for piece in (data[:5], data[5:15], data[15:]):
            self._client.send(piece)
            self.listen(pause)
        return stream

    def get(self, path: str) -> Stream:
        """A whole request on a stream of its own."""
        stream = self.ask(path)
        self.until(lambda: self.streams[stream].ended)
        return self.streams[stream]

    def hold(self, path: str) -> int:
        """Asks, and never opens the stream's window."""
        stream = self.ask(path)
        self.held.add(stream)
        return stream

    def open(self, stream: int, size: int) -> None:
        self.http.increment_flow_control_window(size, stream)
        self.flush()

    def send(self, *frames: Frame) -> None:
        """Frames that h2 would not make."""
        self._client.send(b"".join(frame.serialize() for frame in frames))

    def upload(self, stream: int, size: int, quiet: float = 1) -> int:
        """Sends so many bytes, or until the window has stayed shut for `quiet` seconds; how much that was."""
        sent = 0
        while sent < size and self.streams[stream].reset is None:
            room = min(self.http.local_flow_control_window(stream), self.http.max_outbound_frame_size, size - sent)
            if room:
                self.http.send_data(stream, b"u" * room)
                self.flush()
                sent += room
            elif not self.hear(quiet):
                return sent
        return sent

    def until(self, true: Callable[[], bool], seconds: float = SECONDS) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"waited {seconds} s; {self.streams} {self.goaway}"
            assert not self.closed, f"the proxy closed the connection; {self.streams} {self.goaway}"
            self.hear(0.2)

    def listen(self, seconds: float) -> None:
        """Reads whatever comes for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self.hear(left):
            pass

    def hear(self, seconds: float) -> bool:
        """Reads once; whether anything came within so long."""
        self._client.timeout(seconds)
        try:
            data = self._client.read()
        except TimeoutError:
            return False
        finally:
            self._client.timeout(SECONDS)
        self.closed = not data
        for event in self.http.receive_data(data):
            self._on(event)
        if not self.closed:
            self.flush()
        return not self.closed

    def _on(self, event: h2.events.Event) -> None:
        stream = self.streams.get(getattr(event, "stream_id", None) or 0, Stream())
        if isinstance(event, h2.events.ResponseReceived):
            stream.head = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            stream.size += len(event.data)
            stream.digest.update(event.data)
            if event.stream_id not in self.held and not event.stream_ended:
                self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            stream.trailers = dict(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset):
            stream.reset = event.error_code
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = event.error_code

    def flush(self) -> None:
        """Sends what h2 has made."""
        self._client.send(self.http.data_to_send())

    @property
    def resets(self) -> Counter[int]:
        return Counter(stream.reset for stream in self.streams.values() if stream.reset is not None)


@contextmanager
def peer(product: Product, network: Network, host: str, source: str = "127.0.0.1") -> Iterator[Peer]:
    """A peer behind CONNECT to `host`, as ana. A flood comes from an address of its own: it is held against it."""
    target = f"{host}:{network.tls_port}"
    with Client(product, source) as client:
        assert client.connect(target, credentials("ana")).status == 200
        client.start_tls(host, "h2")
        yield Peer(client, target)
