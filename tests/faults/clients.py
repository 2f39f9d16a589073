"""Clients that ask in every way, from an address of their own, and say exactly what came back."""

from __future__ import annotations

import asyncio
import base64
import ssl
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h11
import wsproto
import wsproto.events

from tests.e2e.product import PASSWORDS
from tests.faults.cases import Seen
from tests.faults.places import DEVICE, DEVICES, H2, HTTP, SOCKET, TUNNEL

if TYPE_CHECKING:
    from tests.faults.cases import Case, Where

SIGNED = f"Proxy-Authorization: Basic {base64.b64encode(f'ana:{PASSWORDS["ana"]}'.encode()).decode()}\r\n"
PATIENCE = 30.0  # seconds: far above what anything takes that is bounded
_BROKEN_OFF = (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError)
UPLOAD = b"the body of an upload " * 8


async def ask(case: Case, where: Where) -> Seen:
    """Play the case to its end. What is not at an end after PATIENCE is stuck."""
    seen = Seen()
    talk = Talk(case, where, seen)
    try:
        async with asyncio.timeout(PATIENCE):
            await talk.play()
    except TimeoutError:
        seen.stuck = True
    except (*_BROKEN_OFF, h11.RemoteProtocolError, h2.exceptions.ProtocolError) as error:
        seen.closed, seen.error = True, repr(error)
    finally:
        await talk.end()
    return seen


class Talk:
    def __init__(self, case: Case, where: Where, seen: Seen) -> None:
        self._case, self._where, self._seen = case, where, seen
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def play(self) -> None:
        case, where = self._case, self._where
        port = where.transparent_port if case.way in DEVICES else where.port
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(case.client, 0))
        if case.way in DEVICES:
            await self._redirected()
        elif case.way is HTTP:
            await self._plain()
        elif case.way is TUNNEL:
            await self._tunnel()
        else:
            await self._inside()

    async def end(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()

    def _send(self, data: bytes | str) -> None:
        self._writer.write(data.encode() if isinstance(data, str) else data)

    async def _read(self) -> bytes:
        data = await self._reader.read(65536)
        self._seen.raw += data
        return data

    # -- plain HTTP

    async def _plain(self) -> None:
        case, where = self._case, self._where
        host = f"{case.host}:{where.plain_port}"
        match case.asks:
            case "public":
                self._send(f"GET /healthz HTTP/1.1\r\nHost: {where.public_name}\r\n\r\n")
            case "malformed":
                self._send("GET  two blanks HTTP/1.1\r\n\r\n")
            case "slow" | "half":
                self._send(f"GET http://{host}/ HTTP/1.1\r\nHost")
                if case.asks == "half":
                    self._writer.write_eof()
            case "unsigned":
                self._send(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n")
            case "connect":
                self._send(f"GET http://{where.public_name}/ HTTP/1.1\r\nHost: {where.public_name}\r\n\r\n")
                await self._reader.readuntil(b"\r\n\r\n")
                self._send(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{SIGNED}\r\n")
            case _:
                await self._request(f"http://{host}{case.path}", host, SIGNED)
                return
        await self._answer()

    async def _request(self, target: str, host: str, more: str = "") -> None:
        if self._case.way is SOCKET or self._case.asks == "websocket":
            more += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            more += "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        if self._case.asks == "upload":
            self._send(f"POST {target} HTTP/1.1\r\nHost: {host}\r\n{more}Content-Length: {len(UPLOAD)}\r\n\r\n")
            self._send(UPLOAD)
        else:
            self._send(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n")
        if self._case.asks == "leave":
            head = await self._read()
            self._seen.status = int(head.split(b" ")[1])
            self._writer.transport.abort()
            return
        await self._answer()

    async def _answer(self) -> None:
        """Read one HTTP/1 answer to its end, or until the connection is closed."""
        seen, http = self._seen, h11.Connection(h11.CLIENT)
        http.send(h11.Request(method="GET", target="/", headers=[("Host", "any"), *_UPGRADE]))
        http.send(h11.EndOfMessage())
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                data = await self._read()
                seen.closed = not data
                http.receive_data(data)  # at the end of the bytes: an error where the answer is not whole
                if not data and not seen.status:
                    return
            elif isinstance(event, h11.InformationalResponse | h11.Response):
                seen.status = event.status_code
                seen.headers = {name.decode(): value.decode() for name, value in event.headers}
                if event.status_code == 101:
                    await self._socket(http.trailing_data[0])
                    return
            elif isinstance(event, h11.Data):
                seen.body += event.data
            elif isinstance(event, h11.EndOfMessage):
                seen.whole = True
                return
            else:
                return

    async def _socket(self, first: bytes) -> None:
        """Say something on the WebSocket and wait for the echo; or say goodbye."""
        seen, socket = self._seen, wsproto.connection.Connection(wsproto.ConnectionType.CLIENT)
        if self._case.asks == "goodbye":
            self._send(socket.send(wsproto.events.CloseConnection(1000)))
            while await self._read():
                pass
            seen.closed = True
            return
        self._send(socket.send(wsproto.events.TextMessage("echo this")))
        socket.receive_data(first)
        while True:
            for event in socket.events():
                if isinstance(event, wsproto.events.TextMessage):
                    seen.body, seen.whole = event.data.encode(), True
                    return
            data = await self._read()
            if not data:
                seen.closed = True
                return
            socket.receive_data(data)

    # -- inside TLS

    async def _connect(self, host: str, port: int, signed: str) -> bool:
        self._send(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{signed}\r\n")
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            self._seen.closed = True
            return False
        self._seen.connect = int(head.split(b" ")[1])
        if self._seen.connect == 200:
            return True
        self._seen.status = self._seen.connect
        self._seen.body = await self._reader.read(-1 if self._seen.status != 407 else 1)
        self._seen.whole = True
        return False

    async def _inside(self) -> None:
        case, where = self._case, self._where
        host, port = (where.public_name, 443) if case.asks == "public" else (case.host, where.tls_port)
        if not await self._connect(host, port, "" if case.asks == "unsigned" else SIGNED):
            return
        context = ssl.create_default_context(cafile=None if case.asks == "distrust" else where.authority)
        context.set_alpn_protocols(["h2" if case.way is H2 else "http/1.1"])
        await self._writer.start_tls(context, server_hostname=host)
        if case.asks == "nothing":
            return
        if case.way is H2:
            await self._http2(host, port)
        elif case.asks == "malformed":
            self._send("GET  two blanks HTTP/1.1\r\n\r\n")
            await self._answer()
        else:
            await self._request(case.path if case.asks != "public" else "/healthz", f"{host}:{port}")

    async def _http2(self, host: str, port: int) -> None:
        http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        http.initiate_connection()
        method = "POST" if self._case.asks == "upload" else "GET"
        head = [(":method", method), (":scheme", "https"), (":authority", f"{host}:{port}"), (":path", self._case.path)]
        http.send_headers(1, head, end_stream=method == "GET")
        if method == "POST":
            http.send_data(1, UPLOAD, end_stream=True)
        self._send(
            http.data_to_send() if self._case.asks != "malformed" else b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(99)
        )
        while not self._seen.whole:
            data = await self._read()
            if not data:
                self._seen.closed = True
                return
            for event in http.receive_data(data):
                self._on(http, event)
            if self._case.asks == "leave" and self._seen.body:
                self._writer.transport.abort()
                return
            if self._seen.closed:
                return
            self._send(http.data_to_send())

    def _on(self, http: h2.connection.H2Connection, event: h2.events.Event) -> None:
        seen = self._seen
        if isinstance(event, h2.events.ResponseReceived):
            seen.headers = dict(event.headers)
            seen.status = int(seen.headers[":status"])
        elif isinstance(event, h2.events.DataReceived):
            seen.body += event.data
            http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            seen.whole = True
        elif isinstance(event, h2.events.StreamReset | h2.events.ConnectionTerminated):
            seen.closed = True

    # -- redirected

    async def _redirected(self) -> None:
        if self._case.way is DEVICE:
            context = ssl.create_default_context(cafile=self._where.authority)
            await self._writer.start_tls(context, server_hostname=self._case.host)
        if self._case.asks == "raw":
            self._send(bytes.fromhex("99") * 300)
            await self._answer()
            return
        await self._request(self._case.path, f"{self._case.host}:{self._where.tls_port}")

    # -- passed through

    async def _tunnel(self) -> None:
        if not await self._connect(self._case.host, self._where.tls_port, SIGNED):
            return
        hello = client_hello(self._case.host)
        if self._case.asks == "slow hello":
            self._send(hello[:20])
            await self._writer.drain()
            await asyncio.sleep(0.3)
            hello = hello[20:]
        self._send(hello + self._case.client.encode())
        self._seen.body = await self._read()
        self._seen.closed = not self._seen.body
        self._seen.whole = bool(self._seen.body)


def client_hello(name: str) -> bytes:
    """The first bytes of TLS towards `name`."""
    outgoing = ssl.MemoryBIO()
    talk = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    try:
        talk.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake without an answer")


_UPGRADE = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
