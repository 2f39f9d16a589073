"""Real sockets: a client that still sends gets its answer whole, and is not listened to for ever."""

from __future__ import annotations

import asyncio
import socket

import pytest

from proxy import linger
from proxy.linger import LingeringWriter, close_behind_answer

ANSWER = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"


class Answering(asyncio.Protocol):
    """Answers to the first byte, without reading another."""

    def __init__(self):
        self.lost = asyncio.Event()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, _):
        self.transport.pause_reading()
        self.transport.write(ANSWER)
        asyncio.get_running_loop().call_later(0.1, close_behind_answer, self.transport, self.lost.set)


@pytest.fixture
async def answering():
    """A server with one connection, and the client's end of it."""
    loop, protocol = asyncio.get_running_loop(), Answering()
    server = await loop.create_server(lambda: protocol, "127.0.0.1", 0)
    client = socket.create_connection(server.sockets[0].getsockname())
    client.setblocking(False)
    yield protocol, client
    client.close()
    server.close()
    await server.wait_closed()


async def send_without_end(client):
    while True:
        await asyncio.get_running_loop().sock_sendall(client, b"x" * 65536)


async def read_to_the_end(client):
    came = b""
    while data := await asyncio.get_running_loop().sock_recv(client, 65536):
        came += data
    return came


async def test_what_is_still_sent_does_not_cost_the_answer(answering):
    protocol, client = answering
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, b"x" * 200_000)
    assert await read_to_the_end(client) == ANSWER
    client.close()
    async with asyncio.timeout(10):
        await protocol.lost.wait()


async def test_nobody_is_listened_to_for_ever(answering, monkeypatch):
    monkeypatch.setattr(linger, "LINGER_SECONDS", 0.05)
    protocol, client = answering
    async with asyncio.timeout(10):
        with pytest.raises(ConnectionError):
            await send_without_end(client)
        await protocol.lost.wait()


async def test_nobody_is_waited_for_who_does_not_read(answering, monkeypatch):
    monkeypatch.setattr(linger, "LINGER_SECONDS", 0.05)
    monkeypatch.setattr(linger, "_TAKE_SECONDS", 0.2)
    protocol, client = answering
    await asyncio.get_running_loop().sock_sendall(client, b"x")
    await asyncio.sleep(0.05)
    protocol.transport.write(bytes(50 * 2**20))
    async with asyncio.timeout(10):
        await protocol.lost.wait()


async def test_a_connection_that_is_gone_is_not_waited_for(answering):
    protocol, client = answering
    client.close()
    await asyncio.sleep(0.05)
    called = []
    close_behind_answer(protocol.transport, lambda: called.append(1))
    assert called == [1]


@pytest.mark.parametrize("ends_first", [False, True], ids=["the client stays", "the client has ended"])
async def test_a_writer_closes_once_and_says_when_it_is_gone(ends_first):
    gone = asyncio.Event()

    async def serve(reader, writer):
        lingering = LingeringWriter(writer.transport, writer.transport.get_protocol(), reader)
        await reader.read(1)
        if ends_first:
            assert await reader.read() == b""
        lingering.write(ANSWER)
        lingering.close()
        lingering.close()
        assert lingering.is_closing()
        await lingering.wait_closed()
        gone.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"x")
    if ends_first:
        writer.write_eof()
    async with asyncio.timeout(10):
        assert await reader.read() == ANSWER
        writer.close()
        await gone.wait()
    server.close()
    await server.wait_closed()
