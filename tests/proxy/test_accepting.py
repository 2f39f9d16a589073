from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl

import pytest

from config.proxy_settings import Limits
from proxy.accepting import Accepting
from proxy.listening import Shared
from tests.e2e.certificates import Authority

QUICK = Limits(head_seconds=0.2, connections_per_client=2)


class Greeted(asyncio.Protocol):
    made: list[Greeted]

    def __init__(self, listener):
        self.listener = listener

    def connection_made(self, transport):
        self.transport = transport
        self.made.append(self)


def protocols():
    made = []
    return made, type("Mine", (Greeted,), {"made": made})


def listening():
    sock = socket.create_server(("127.0.0.1", 0), backlog=64)
    sock.setblocking(False)
    return sock


async def until(condition, seconds=20):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.01)


def connect(sock, count):
    with contextlib.ExitStack() as clients:
        made = [clients.enter_context(socket.create_connection(sock.getsockname(), 20)) for _ in range(count)]
        return made, clients.pop_all()


async def test_a_connection_that_was_accepted_is_served_even_if_accepting_stops_in_the_same_turn():
    made, front = protocols()
    sock = listening()
    accepting = Accepting([Shared(sock)], front, Limits, 10_000)
    clients, closing = connect(sock, 5)
    with closing:
        accepting.start()
        while not accepting.taken:  # noqa: ASYNC110  # turn by turn
            await asyncio.sleep(0)
        accepting.stop()
        taken = accepting.taken
        await until(lambda: not accepting.greeting)
        assert len(made) == taken < len(clients)
        for each in made:
            each.transport.abort()


async def test_what_one_worker_leaves_in_the_queue_another_takes():
    made, front = protocols()
    sock = listening()
    first, second = (Accepting([Shared(sock.dup())], front, Limits, 10_000) for _ in range(2))
    first.start()
    clients, closing = connect(sock, 5)
    with closing:
        first.stop()
        second.start()
        await until(lambda: len(made) == len(clients))
        second.stop()
        for each in made:
            each.transport.abort()
    sock.close()


async def test_a_connection_above_the_ceiling_is_closed_at_once_and_said_once(caplog):
    made, front = protocols()
    sock = listening()
    accepting = Accepting([Shared(sock)], front, Limits, 3)
    accepting.start()
    for _ in range(3):
        reader, writer = await asyncio.open_connection(*sock.getsockname())
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()
    accepting.stop()
    assert made == []
    assert caplog.text.count("too many descriptors") == 1


async def test_when_no_descriptor_is_left_the_loop_does_not_spin_and_goes_on_later(monkeypatch, caplog):
    made, front = protocols()
    sock = listening()
    tries = []

    class Full:
        """A socket from which the first two tries cannot accept."""

        fileno, close = sock.fileno, sock.close

        def accept(self):
            tries.append(asyncio.get_running_loop().time())
            if len(tries) <= 2:
                raise OSError(errno.EMFILE, "Too many open files")
            return sock.accept()

    accepting = Accepting([Shared(Full())], front, Limits, 10_000)
    accepting.start()
    _, closing = connect(sock, 1)
    with closing:
        await until(lambda: made)
        accepting.stop()
        assert tries[1] - tries[0] >= 0.09
        assert "Too many open files" in caplog.text
        made[0].transport.abort()


@pytest.mark.parametrize("bytes_sent", [b"", b"no TLS at all"])
async def test_a_client_that_does_not_finish_tls_is_let_go_of(tmp_path, bytes_sent):
    made, front = protocols()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(Authority.create(tmp_path).leaf("filter.test"))
    sock = listening()
    accepting = Accepting([Shared(sock, context)], front, lambda: QUICK, 10_000)
    accepting.start()
    reader, writer = await asyncio.open_connection(*sock.getsockname())
    writer.write(bytes_sent)
    await until(lambda: accepting.greeting)
    with contextlib.suppress(ConnectionResetError):
        await asyncio.wait_for(reader.read(), 20)
    await until(lambda: not accepting.greeting)
    assert made == []
    writer.close()
    accepting.stop()


async def test_one_client_cannot_be_at_more_handshakes_than_it_may_hold_connections(tmp_path):
    _, front = protocols()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(Authority.create(tmp_path).leaf("filter.test"))
    sock = listening()
    limits = Limits(head_seconds=1, connections_per_client=2)
    accepting = Accepting([Shared(sock, context)], front, lambda: limits, 10_000)
    accepting.start()
    silent = [await asyncio.open_connection(*sock.getsockname()) for _ in range(5)]
    other = await asyncio.open_connection(*sock.getsockname(), local_addr=("127.0.0.2", 0))
    await until(lambda: accepting.taken == 6)
    assert accepting.greeting == 3
    await until(lambda: not accepting.greeting)
    accepting.stop()
    for _, writer in (*silent, other):
        writer.close()
