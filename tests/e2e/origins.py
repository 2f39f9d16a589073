"""Real origins on loopback: HTTP/1.1, HTTP/2 and WebSocket, over TLS or plain. Each counts what reaches it.

An origin counts a connection when the kernel accepts it, before any TLS: "no origin was contacted" means that number.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h11
import hyperframe.frame
import wsproto
import wsproto.events
import wsproto.utilities

from tests.e2e.pages import Answer, Gate, Seen, answer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine, Iterable

READ = 65536
_OF_HTTP1 = ("Connection", "Keep-Alive", "Upgrade")  # HTTP/2 has no such fields


@dataclass
class Origin:
    """One listening address. `connections` and `requests` only grow; take a `count()` before and after."""

    address: str
    port: int
    tls: ssl.SSLContext | None
    gate: Gate
    connections: int = 0
    requests: list[Seen] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)  # the target of every head that came, whole request or not
    sent: Counter[str] = field(default_factory=Counter)  # bytes of bodies that the kernel took, by target

    async def readable(self, target: str) -> None:
        """Waits where the test wants the body of a request left unread."""
        if target.startswith("/unread/"):
            await self.gate.event(target.rpartition("/")[2]).wait()

    def paths(self) -> list[str]:
        return [seen.path for seen in self.requests]


class Origins:
    """Runs every origin on one event loop in one thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self.gate = Gate(self._loop)
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="origins")
        self._thread.start()

    def listen(self, address: str, port: int, tls: ssl.SSLContext | None = None) -> Origin:
        listener = socket.socket(family_of(address), socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(128)
        listener.setblocking(False)
        origin = Origin(address, port, tls, self.gate)
        asyncio.run_coroutine_threadsafe(self._start(origin, listener), self._loop).result()
        return origin

    async def _start(self, origin: Origin, listener: socket.socket) -> None:
        self._keep(_accept(origin, listener, self._keep))

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(_cancel_all(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _accept(origin: Origin, listener: socket.socket, keep: Callable) -> None:
    loop = asyncio.get_running_loop()
    with listener:
        while True:
            connection, _ = await loop.sock_accept(listener)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does so for its own only
            origin.connections += 1
            keep(_serve(origin, connection))


async def _serve(origin: Origin, connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    # A client that refuses our certificate, or goes away, is an ordinary end for an origin.
    with suppress(OSError, h11.RemoteProtocolError, h2.exceptions.ProtocolError, wsproto.utilities.ProtocolError):
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=origin.tls)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        try:
            if origin.tls and transport.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
                await Http2(origin, reader, writer).serve()
            else:
                await Http1(origin, reader, writer).serve()
        finally:
            transport.close()


class Http1:
    """One HTTP/1.1 connection: keep-alive, pipelining, 100-continue, upgrade to WebSocket."""

    def __init__(self, origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._origin, self._reader, self._writer = origin, reader, writer
        self._http = h11.Connection(h11.SERVER)

    async def serve(self) -> None:
        while isinstance(request := await self._event(), h11.Request):
            headers = _texts(request.headers)
            self._origin.begun.append(request.target.decode())
            await self._origin.readable(request.target.decode())
            if dict(headers).get("upgrade", "").lower() == "websocket":
                await self._socket(request, headers)
                return
            size, digest, trailers = await self._body()
            method, target = request.method.decode(), request.target.decode()
            host = dict(headers).get("host", "")
            seen = Seen("http/1.1", method, host, target, headers, size, digest, trailers)
            self._origin.requests.append(seen)
            await self._send(seen, answer(seen, self._origin.gate))
            if self._http.our_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def _event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                self._writer.write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            self._http.receive_data(await self._reader.read(READ))
        return event

    async def _body(self) -> tuple[int, str, tuple[tuple[str, str], ...]]:
        size, digest = 0, hashlib.sha256()
        while isinstance(event := await self._event(), h11.Data):
            size += len(event.data)
            digest.update(event.data)
        assert isinstance(event, h11.EndOfMessage)
        return size, digest.hexdigest(), _texts(event.headers)

    async def _send(self, seen: Seen, reply: Answer) -> None:
        headers = [("content-type", reply.type), *reply.headers]
        if reply.length is not None:
            headers.append(("content-length", f"{reply.length}"))
        elif reply.status not in (204, 304):
            headers.append(("transfer-encoding", "chunked"))
        self._write(h11.Response(status_code=reply.status, headers=headers))
        if seen.method != "HEAD":
            async for chunk in reply.body:
                self._write(h11.Data(data=chunk))
                await self._writer.drain()
                self._origin.sent[seen.target] += len(chunk)
        self._write(h11.EndOfMessage(headers=reply.trailers))
        await self._writer.drain()

    def _write(self, event: h11.Event) -> None:
        self._writer.write(self._http.send(event) or b"")

    async def _socket(self, request: h11.Request, headers: tuple[tuple[str, str], ...]) -> None:
        target = request.target.decode()
        self._origin.requests.append(Seen("websocket", "GET", dict(headers)["host"], target, headers))
        await self._event()
        echo = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
        echo.initiate_upgrade_connection([(name.encode(), value.encode()) for name, value in headers], target)
        self._writer.write(echo.send(wsproto.events.AcceptConnection()))
        data = self._http.trailing_data[0] or await self._reader.read(READ)
        while data:
            echo.receive_data(data)
            for event in echo.events():
                self._writer.write(_echoed(echo, event))
            await self._writer.drain()
            data = await self._reader.read(READ)


def _echoed(echo: wsproto.WSConnection, event: wsproto.events.Event) -> bytes:
    if isinstance(event, wsproto.events.Message):
        return echo.send(event)
    if isinstance(event, wsproto.events.Ping | wsproto.events.CloseConnection):
        return echo.send(event.response())
    return b""


class Http2:
    """One HTTP/2 connection; every stream answered in a task of its own."""

    def __init__(self, origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._origin, self._reader, self._writer = origin, reader, writer
        self._http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self._heads: dict[int, tuple[tuple[str, str], ...]] = {}
        self._bodies: dict[int, tuple[int, object]] = {}
        self._trailers: dict[int, tuple[tuple[str, str], ...]] = {}
        self._window = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        self._http.initiate_connection()
        await self._flush()
        try:
            while data := await self._reader.read(READ):
                for event in self._http.receive_data(data):
                    self._on(event)
                await self._flush()
        finally:
            for task in self._tasks:
                task.cancel()

    async def _flush(self) -> None:
        self._writer.write(self._http.data_to_send())
        await self._writer.drain()

    def _on(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._heads[event.stream_id] = _texts(event.headers)
            self._origin.begun.append(dict(self._heads[event.stream_id])[":path"])
            self._bodies[event.stream_id] = (0, hashlib.sha256())
        elif isinstance(event, h2.events.DataReceived):
            self._start(self._acknowledge(event.stream_id, event.flow_controlled_length))
            size, digest = self._bodies[event.stream_id]
            digest.update(event.data)
            self._bodies[event.stream_id] = (size + len(event.data), digest)
        elif isinstance(event, h2.events.TrailersReceived):
            self._trailers[event.stream_id] = _texts(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            self._start(self._answer(event.stream_id))
        elif isinstance(event, h2.events.WindowUpdated | h2.events.StreamReset | h2.events.RemoteSettingsChanged):
            self._window.set()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _acknowledge(self, stream: int, size: int) -> None:
        await self._origin.readable(dict(self._heads.get(stream, ())).get(":path", ""))
        with suppress(h2.exceptions.ProtocolError):  # the connection has ended
            self._http.acknowledge_received_data(size, stream)
            await self._flush()

    async def _answer(self, stream: int) -> None:
        headers, (size, digest) = self._heads.pop(stream), self._bodies.pop(stream)
        named = dict(headers)
        called = named[":method"], named[":authority"], named[":path"]
        seen = Seen("h2", *called, headers, size, digest.hexdigest(), self._trailers.pop(stream, ()))
        self._origin.requests.append(seen)
        reply = answer(seen, self._origin.gate)
        own = [(name.lower(), value) for name, value in reply.headers if name not in _OF_HTTP1]
        head = [(":status", f"{reply.status}"), ("content-type", reply.type), *own]
        if reply.length is not None:
            head.append(("content-length", f"{reply.length}"))
        with suppress(h2.exceptions.StreamClosedError, ConnectionError):  # the client reset the stream
            if seen.method == "HEAD" or reply.status in (204, 304):
                self._http.send_headers(stream, head, end_stream=True)
                await self._flush()
                return
            self._http.send_headers(stream, head)
            if reply.leaves:
                goaway = hyperframe.frame.GoAwayFrame(0, last_stream_id=stream).serialize()
                self._writer.write(self._http.data_to_send() + goaway)
            async for chunk in reply.body:
                await self._send(stream, chunk)
                self._origin.sent[seen.target] += len(chunk)
            if reply.trailers:
                self._http.send_headers(stream, list(reply.trailers), end_stream=True)
            else:
                self._http.end_stream(stream)
            await self._flush()

    async def _send(self, stream: int, data: bytes) -> None:
        while data:
            size = min(self._http.local_flow_control_window(stream), self._http.max_outbound_frame_size, len(data))
            if size <= 0:
                self._window.clear()
                await self._window.wait()
                continue
            self._http.send_data(stream, data[:size])
            data = data[size:]
            await self._flush()


def _texts(headers: Iterable[tuple[bytes | str, bytes | str]]) -> tuple[tuple[str, str], ...]:
    return tuple((_text(name).lower(), _text(value)) for name, value in headers)


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
