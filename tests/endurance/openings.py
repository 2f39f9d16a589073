"""Where raw bytes are put into the filter: its front, a tunnel, TLS, and an origin's answer."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.e2e.raw import credentials
from tests.endurance import seeds
from tests.proxy.detectors.openings import NAMED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.e2e.network import Network
    from tests.e2e.product import Product

#: A connection that neither answers nor closes for this long, after its client has ended, hangs: seconds.
HANGS = 20.0
_PATIENCE = 0.3  # seconds to read an answer inside TLS, where to end one's side is to end the connection
RAW_ZONE = "raw.test"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Hung(Exception):
    """The proxy kept a connection open that had ended."""


@dataclass(frozen=True)
class Opening:
    """`say` puts one case there. `forbidden`: whatever is said, no origin may be contacted."""

    name: str
    seeds: list[bytes]
    say: Callable[[bytes], Awaitable[None]]
    forbidden: bool = True


def openings(product: Product, network: Network, raw_port: int, answered: list[bytes]) -> list[Opening]:
    """Give every opening. `answered` is what the raw origin at `raw_port` answers next."""
    into = _Into(product, network, credentials("ana"))
    blocked, allowed = "blocked.test", "allowed.test"
    inner = [*seeds.inner_heads(blocked, network.tls_port), *(sample.data for sample in NAMED.values())]
    return [
        *_fronts(into, inner),
        Opening("inside TLS, HTTP/1.1", inner, into.inside("http/1.1", blocked)),
        Opening("inside TLS, HTTP/2", seeds.frames(into.place(blocked)), into.inside("h2", blocked)),
        Opening(
            "inside TLS, HTTP/1.1, allowed",
            seeds.inner_heads(allowed, network.tls_port),
            into.inside("http/1.1", allowed),
            forbidden=False,
        ),
        Opening(
            "inside TLS, HTTP/2, allowed",
            seeds.frames(into.place(allowed)),
            into.inside("h2", allowed),
            forbidden=False,
        ),
        Opening("a WebSocket's message", inner, into.messages, forbidden=False),
        Opening("an origin's answer", seeds.answers(), into.origin(raw_port, answered), forbidden=False),
    ]


def _fronts(into: _Into, inner: list[bytes]) -> list[Opening]:
    """What is said before the proxy has opened any TLS of a site."""
    plain_port = into.network.plain_port
    plain = seeds.heads("blocked.test", plain_port, into.signed)
    return [
        Opening("front, no account", seeds.heads("allowed.test", plain_port, ""), into.front),
        Opening("front, blocked host", plain, into.front),
        Opening("front behind TLS", plain, into.front_tls),
        Opening("tunnel", [*seeds.hellos("blocked.test"), *inner], into.tunnel("blocked.test")),
        Opening("tunnel passed through", seeds.hellos("bank.test"), into.tunnel("bank.test"), forbidden=False),
    ]


@dataclass(frozen=True)
class _Into:
    """The ways to put bytes into one filter, as somebody who is `signed` in."""

    product: Product
    network: Network
    signed: str

    def place(self, host: str) -> str:
        return f"{host}:{self.network.tls_port}"

    async def front(self, data: bytes) -> None:
        await _say_and_end(await _open(self.product.port), data)

    async def front_tls(self, data: bytes) -> None:
        await _say_and_wait(await _open(self.product.tls_port, ssl=_trusting_nobody("http/1.1")), data)

    def tunnel(self, host: str) -> Callable[[bytes], Awaitable[None]]:
        async def say(data: bytes) -> None:
            await _say_and_end(await _tunnel(self.product.port, self.place(host), self.signed), data)

        return say

    def inside(self, alpn: str, host: str) -> Callable[[bytes], Awaitable[None]]:
        async def say(data: bytes) -> None:
            reader, writer = await _tunnel(self.product.port, self.place(host), self.signed)
            await writer.start_tls(_trusting_nobody(alpn), server_hostname=host)
            await _say_and_wait((reader, writer), data)

        return say

    async def messages(self, data: bytes) -> None:
        reader, writer = await _open(self.product.port)
        writer.write(seeds.handshake("allowed.test", self.network.plain_port, self.signed))
        await reader.readuntil(b"\r\n\r\n")
        await _say_and_end((reader, writer), seeds.message(data))

    def origin(self, port: int, answered: list[bytes]) -> Callable[[bytes], Awaitable[None]]:
        place = f"{RAW_ZONE}:{port}"
        asked = f"GET http://{place}/ HTTP/1.1\r\nHost: {place}\r\n{self.signed}\r\n".encode()

        async def say(data: bytes) -> None:
            answered.append(data)
            await _say_and_end(await _open(self.product.port), asked)

        return say


async def answer_raw(answered: list[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a request with the next bytes of `answered`, and end."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answered.pop() if answered else b"")
        await writer.drain()
    writer.close()


def _trusting_nobody(alpn: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([alpn])
    return context


async def _open(port: int, **options: object) -> Streams:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **options)
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return reader, writer


async def _tunnel(port: int, target: str, signed: str) -> Streams:
    reader, writer = await _open(port)
    writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{signed}\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def _say_and_end(streams: Streams, data: bytes) -> None:
    """Send, end our side, and read until the proxy ends its own. Raises Hung."""
    reader, writer = streams
    try:
        async with asyncio.timeout(HANGS):
            with contextlib.suppress(ConnectionError):
                writer.write(data)
                await writer.drain()
                writer.write_eof()
                while await reader.read(65536):
                    pass
    except TimeoutError:
        raise Hung from None
    finally:
        writer.close()


async def _say_and_wait(streams: Streams, data: bytes) -> None:
    """Send, read for a moment, say goodbye, and wait until the proxy lets go. Raises Hung."""
    reader, writer = streams
    with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):  # it may wait for more: looked at below
        async with asyncio.timeout(_PATIENCE):
            writer.write(data)
            await writer.drain()
            while await reader.read(65536):
                pass
    writer.close()
    try:
        async with asyncio.timeout(HANGS):
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()
    except TimeoutError:
        writer.transport.abort()
        raise Hung from None
