"""Raw sockets to the proxy: a test says byte for byte what the client sends, and reads one answer at a time."""

from __future__ import annotations

import base64
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import h2.config
import h2.connection
import h2.events

from tests.e2e.product import PASSWORDS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.network import Network

SECONDS = 20


class Filter(Protocol):
    """What a client has to know of one: a `Product`, or less."""

    @property
    def port(self) -> int: ...

    @property
    def authority(self) -> Path: ...


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def credentials(user: str, password: str | None = None) -> str:
    """A Proxy-Authorization line for `user`, with the right password unless another is given."""
    token = f"{user}:{PASSWORDS[user] if password is None else password}"
    return f"Proxy-Authorization: Basic {base64.b64encode(token.encode()).decode()}\r\n"


def tunnel(client: Client, network: Network, host: str, alpn: str = "http/1.1", user: str = "ana") -> str:
    """Opens a tunnel to `host` and TLS inside it; the authority that its requests name."""
    target = f"{host}:{network.tls_port}"
    assert client.connect(target, credentials(user)).status == 200
    client.start_tls(host, alpn)
    return target


class Client:
    """One connection to the proxy, later perhaps with TLS inside a tunnel."""

    def __init__(self, product: Filter, source: str = "127.0.0.1") -> None:
        self._product = product
        self._socket: socket.socket = socket.create_connection(("127.0.0.1", product.port), SECONDS, (source, 0))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def timeout(self, seconds: float) -> None:
        """How long each read or write may wait from now on."""
        self._socket.settimeout(seconds)

    def send_some(self, data: bytes) -> int:
        """Sends what is taken at once; how much that was. Raises TimeoutError."""
        return self._socket.send(data)

    def send(self, text: str | bytes) -> None:
        self._socket.sendall(text if isinstance(text, bytes) else text.encode())

    def get(self, url: str, head: str = "") -> Response:
        """GET in the absolute form, as to a proxy."""
        host = url.split("/")[2]
        self.send(f"GET {url} HTTP/1.1\r\nHost: {host}\r\n{head}\r\n")
        return self.response()

    def connect(self, target: str, head: str = "") -> Response:
        self.send(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{head}\r\n")
        return self.response(connect=True)

    def inside(self, host: str, path: str = "/page", head: str = "") -> Response:
        """GET in the origin form, as inside a tunnel."""
        self.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{head}\r\n")
        return self.response()

    def start_tls(self, name: str | None, alpn: str = "http/1.1", trust: Path | None = None) -> None:
        """TLS with one authority as the only trust: the district's, unless another is given. `alpn`: "h2,http/1.1".

        Without a name none is sent, and none is expected in the certificate.
        """
        context = ssl.create_default_context(cafile=trust or self._product.authority)
        context.check_hostname = name is not None
        context.set_alpn_protocols(alpn.split(","))
        self._socket = context.wrap_socket(self._socket, server_hostname=name)

    @property
    def protocol(self) -> str | None:
        """What TLS has chosen."""
        assert isinstance(self._socket, ssl.SSLSocket)
        return self._socket.selected_alpn_protocol()

    def response(self, *, connect: bool = False, method: str = "GET") -> Response:
        status, headers = self._head()
        if (connect and status == 200) or method == "HEAD" or status in (101, 204, 304):
            return Response(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            return Response(status, headers, self._chunks())
        if "content-length" in headers:
            return Response(status, headers, self.exactly(int(headers["content-length"])))
        return Response(status, headers, self.rest())

    def rest(self) -> bytes:
        """All until the proxy closes the connection; nothing when it is reset."""
        data, self._buffer = self._buffer, b""
        while more := self.read():
            data += more
        return data

    def closed_within(self, seconds: float) -> bool:
        """True when the proxy closes the connection, whatever it says before."""
        self._socket.settimeout(seconds)
        try:
            self.rest()
        except TimeoutError:
            return False
        return True

    def _head(self) -> tuple[int, dict[str, str]]:
        head = self._until(b"\r\n\r\n").decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = dict(line.split(": ", 1) if ": " in line else line.split(":", 1) for line in lines if line)
        return int(first.split(" ")[1]), {name.lower(): value.strip() for name, value in headers.items()}

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._until(b"\r\n"), 16):
            body += self.exactly(size)
            self.exactly(2)
        self.exactly(2)
        return body

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self._more()
        found, self._buffer = self._buffer.split(mark, 1)
        return found

    def exactly(self, size: int) -> bytes:
        """The next `size` bytes, whatever they are."""
        while len(self._buffer) < size:
            self._more()
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _more(self) -> None:
        data = self.read()
        if not data:
            raise EOFError(f"the proxy closed the connection after {self._buffer!r}")
        self._buffer += data

    def read(self) -> bytes:
        try:
            return self._socket.recv(65536)
        except (ConnectionResetError, ssl.SSLEOFError):
            return b""


class Http2Client:
    """HTTP/2 inside an open tunnel: every call opens one stream of the same connection."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._http.initiate_connection()
        self._client.send(self._http.data_to_send())

    def get(self, *targets: tuple[str, str]) -> list[Response]:
        """Asks for every (authority, path) before it reads an answer."""
        streams = [self._ask(authority, path) for authority, path in targets]
        self._client.send(self._http.data_to_send())
        heads: dict[int, dict[str, str]] = {}
        bodies = dict.fromkeys(streams, b"")
        ended: set[int] = set()
        while len(ended) < len(streams):
            self._receive(heads, bodies, ended)
        return [Response(int(heads[stream][":status"]), heads[stream], bodies[stream]) for stream in streams]

    def ask(self, authority: str, path: str) -> None:
        """Sends a request and reads nothing: the windows stay as they are."""
        self._ask(authority, path)
        self._client.send(self._http.data_to_send())

    def _ask(self, authority: str, path: str) -> int:
        stream = self._http.get_next_available_stream_id()
        head = [(":method", "GET"), (":scheme", "https"), (":authority", authority), (":path", path)]
        self._http.send_headers(stream, head, end_stream=True)
        return stream

    def _receive(self, heads: dict[int, dict[str, str]], bodies: dict[int, bytes], ended: set[int]) -> None:
        data = self._client.read()
        if not data:
            raise EOFError(f"the proxy closed the connection; ended: {ended}")
        for event in self._http.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                heads[event.stream_id] = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                bodies[event.stream_id] += event.data
                self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                raise AssertionError(f"stream {event.stream_id} was reset: {event.error_code}")
            elif isinstance(event, h2.events.StreamEnded):
                ended.add(event.stream_id)
        self._client.send(self._http.data_to_send())
