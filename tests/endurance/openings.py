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
    blocked, bank = "blocked.test", "bank.test"
    target, signed = f"{blocked}:{network.tls_port}", credentials("ana")
    plain = seeds.heads(blocked, network.plain_port, signed)
    inner = [*seeds.inner_heads(blocked, network.tls_port), *(sample.data for sample in NAMED.values())]

    async def front(data: bytes) -> None:
        await _say_and_end(await _open(product.port), data)

    async def front_tls(data: bytes) -> None:
        await _say_and_wait(await _open(product.tls_port, ssl=_trusting_nobody("http/1.1")), data)

    async def tunnel(data: bytes) -> None:
        await _say_and_end(await _tunnel(product.port, target, signed), data)

    async def passed_through(data: bytes) -> None:
        await _say_and_end(await _tunnel(product.port, f"{bank}:{network.tls_port}", signed), data)

    def inside(alpn: str, host: str) -> Callable[[bytes], Awaitable[None]]:
        async def say(data: bytes) -> None:
            reader, writer = await _tunnel(product.port, f"{host}:{network.tls_port}", signed)
            await writer.start_tls(_trusting_nobody(alpn), server_hostname=host)
            await _say_and_wait((reader, writer), data)

        return say

    async def messages(data: bytes) -> None:
        reader, writer = await _open(product.port)
        writer.write(seeds.handshake("allowed.test", network.plain_port, signed))
        await reader.readuntil(b"\r\n\r\n")
        await _say_and_end((reader, writer), seeds.message(data))

    async def origin(data: bytes) -> None:
        answered.append(data)
        url = f"http://{RAW_ZONE}:{raw_port}/"
        await _say_and_end(
            await _open(product.port),
            f"GET {url} HTTP/1.1\r\nHost: {RAW_ZONE}:{raw_port}\r\n{signed}\r\n".encode(),
        )

    return [
        Opening("front, no account", seeds.heads("allowed.test", network.plain_port, ""), front),
        Opening("front, blocked host", plain, front),
        Opening("front behind TLS", plain, front_tls),
        Opening("tunnel", [*seeds.hellos(blocked), *inner], tunnel),
        Opening("inside TLS, HTTP/1.1", inner, inside("http/1.1", blocked)),
        Opening("inside TLS, HTTP/2", seeds.frames(target), inside("h2", blocked)),
        Opening("tunnel passed through", seeds.hellos(bank), passed_through, forbidden=False),
        Opening(
            "inside TLS, HTTP/1.1, allowed",
            seeds.inner_heads("allowed.test", network.tls_port),
            inside("http/1.1", "allowed.test"),
            forbidden=False,
        ),
        Opening(
            "inside TLS, HTTP/2, allowed",
            seeds.frames(f"allowed.test:{network.tls_port}"),
            inside("h2", "allowed.test"),
            forbidden=False,
        ),
        Opening("a WebSocket's message", inner, messages, forbidden=False),
        Opening("an origin's answer", seeds.answers(), origin, forbidden=False),
    ]


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
