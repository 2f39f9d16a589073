"""What is asked of a proxy. Each load takes a number of requests and gives the seconds that each one took."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.origin import ADDRESS, PASSED_THROUGH, SIZE
from bench.proxies import CREDENTIALS

if TYPE_CHECKING:
    from bench.origin import Origin
    from bench.proxies import Proxy

CONNECTIONS = 8
STREAMS = 4  # at a time on one HTTP/2 connection

Load = Callable[["Proxy", "Origin", int], Awaitable[list[float]]]

#: Requests inside a tunnel.
SHORT = "GET / HTTP/1.1\r\nHost: {target}\r\n\r\n"
BROWSER = (
    "GET /courses/2026/spring/assets/app.3f9a1c2e.js?v=20261123&session=ab12cd34ef56&lang=en-US HTTP/1.1\r\n"
    'Host: {target}\r\nConnection: keep-alive\r\nsec-ch-ua-platform: "Windows"\r\n'
    "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0"
    ' Safari/537.36\r\nsec-ch-ua: "Chromium";v="130", "Google Chrome";v="130"\r\nsec-ch-ua-mobile: ?0\r\n'
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\n"
    "Referer: https://{target}/courses/2026/spring\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-US,en;q=0.9\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\r\n"
)
_BODY = '{{"course": 7, "answer": "forty-two"}}'
UPLOAD = (
    "POST /answers HTTP/1.1\r\nHost: {target}\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(_BODY.format())}\r\n\r\n{_BODY}"
)


class Client:
    """One HTTP/1.1 connection through a proxy: plain, or inside a tunnel to `host` whose certificate `trusts` knows."""

    def __init__(
        self, proxy: Proxy, origin: Origin, host: str = ADDRESS, trusts: Path | None = None, asked: str = SHORT
    ) -> None:
        self._proxy, self._origin, self._host, self._trusts, self._asked = proxy, origin, host, trusts, asked

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._proxy.port)
        target = f"{self._host}:{self._origin.plain_port}"
        self.request = f"GET http://{target}/ HTTP/1.1\r\nHost: {target}\r\n{CREDENTIALS}\r\n".encode()
        if self._trusts is not None:
            target = f"{self._host}:{self._origin.tls_port}"
            self.writer.write(connect_head(target))
            established = await self.reader.readuntil(b"\r\n\r\n")
            assert established.startswith(b"HTTP/1.1 200"), established
            await self.writer.start_tls(_context(self._trusts), server_hostname=self._host)
            self.request = self._asked.format(target=target).encode()

    async def get(self) -> float:
        started = time.perf_counter()
        self.writer.write(self.request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head[:400]
        await self.reader.readexactly(SIZE)
        return time.perf_counter() - started

    def close(self) -> None:
        self.writer.close()


def connect_head(target: str) -> bytes:
    return f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{CREDENTIALS}\r\n".encode()


@cache
def _context(authority: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority)
    context.set_alpn_protocols(["http/1.1"])  # as browsers do: without it stock speaks HTTP/2 to the origin
    return context


async def plain_kept(proxy: Proxy, origin: Origin, count: int) -> list[float]:
    return await _kept([Client(proxy, origin) for _ in range(CONNECTIONS)], count)


async def intercepted_kept(proxy: Proxy, origin: Origin, count: int) -> list[float]:
    return await _kept([Client(proxy, origin, trusts=proxy.authority) for _ in range(CONNECTIONS)], count)


async def browser_kept(proxy: Proxy, origin: Origin, count: int) -> list[float]:
    return await _kept(
        [Client(proxy, origin, trusts=proxy.authority, asked=BROWSER) for _ in range(CONNECTIONS)], count
    )


async def uploads_kept(proxy: Proxy, origin: Origin, count: int) -> list[float]:
    return await _kept([Client(proxy, origin, trusts=proxy.authority, asked=UPLOAD) for _ in range(CONNECTIONS)], count)


async def _kept(clients: list[Client], count: int) -> list[float]:
    for client in clients:
        await client.open()

    async def many(client: Client) -> list[float]:
        return [await client.get() for _ in range(count // CONNECTIONS)]

    times = [each for made in await asyncio.gather(*map(many, clients)) for each in made]
    for client in clients:
        client.close()
    return times


async def intercepted_new(proxy: Proxy, origin: Origin, count: int) -> list[float]:
    return await _new(lambda: Client(proxy, origin, trusts=proxy.authority), count)


async def passed_through_new(proxy: Proxy, origin: Origin, count: int) -> list[float]:
    return await _new(lambda: Client(proxy, origin, PASSED_THROUGH, trusts=origin.authority), count)


async def _new(make: Callable[[], Client], count: int) -> list[float]:
    async def one() -> float:
        started = time.perf_counter()
        client = make()
        await client.open()
        await client.get()
        client.close()
        return time.perf_counter() - started

    async def some() -> list[float]:
        return [await one() for _ in range(count // CONNECTIONS)]

    return [each for made in await asyncio.gather(*(some() for _ in range(CONNECTIONS))) for each in made]


async def http2_kept(proxy: Proxy, origin: Origin, count: int) -> list[float]:
    """h2load cannot ask a proxy for a tunnel, so a relay beside it does."""
    tunnel = Tunnel(proxy.port, f"{ADDRESS}:{origin.tls_port}")
    server = await asyncio.get_running_loop().create_server(tunnel.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = ["h2load", "-n", str(count), "-c", str(CONNECTIONS), "-m", str(STREAMS), f"--log-file={log}"]
        command += [f"--connect-to=127.0.0.1:{port}", f"https://{ADDRESS}:{origin.tls_port}/"]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        rows = [line.split("\t") for line in log.read_text().splitlines()]
    server.close()
    assert [status for _, status, _ in rows] == ["200"] * count, said.decode()
    assert b"Application protocol: h2" in said, said.decode()
    return [int(microseconds) / 1e6 for _, _, microseconds in rows]


class Tunnel:
    """Asks for a tunnel for every connection, and relays."""

    def __init__(self, port: int, target: str) -> None:
        self._port, self._target = port, target

    def accept(self) -> asyncio.Protocol:
        return _End(self)

    async def open(self, client: _End) -> None:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_connection(lambda: _End(None, client), "127.0.0.1", self._port)
        protocol.established = False
        transport.write(connect_head(self._target))


class _End(asyncio.Protocol):
    """One end of a relay: what comes in before the tunnel stands is kept."""

    def __init__(self, tunnel: Tunnel | None, peer: _End | None = None) -> None:
        self._tunnel, self._peer = tunnel, peer
        self._early = b""
        self.established = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        if self._tunnel is not None:
            self._task = asyncio.get_running_loop().create_task(self._tunnel.open(self))

    def data_received(self, data: bytes) -> None:
        if not self.established:
            assert data.startswith(b"HTTP/1.1 200"), data
            self.established = True
            self._peer.join(self)
        elif self._peer is None:
            self._early += data
        else:
            self._peer.transport.write(data)

    def join(self, peer: _End) -> None:
        self._peer = peer
        peer.transport.write(self._early)

    def connection_lost(self, _: Exception | None) -> None:
        if self._peer is not None:
            self._peer.transport.close()


def has_h2load() -> bool:
    return shutil.which("h2load") is not None
