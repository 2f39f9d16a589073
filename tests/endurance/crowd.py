"""Thousands of connections that want nothing good, beside one person who wants a page.

What works for the crowd has a process of its own: in a thread it would take turns with who measures.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import socket
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import h2.config
import h2.connection

from tests.e2e.raw import Client, credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.synchronize import Event
    from pathlib import Path

    from tests.e2e.network import Network
    from tests.e2e.product import Product

    Work = Callable[["Where", Event], None]

#: Connections of one address, below `connections_per_client`.
OF_ONE_ADDRESS = 200
_DRIP_SECONDS = 0.4


def room_for(connections: int) -> None:
    """Raise this process's own limit of descriptors; the machine must allow it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + 1000
    assert most == resource.RLIM_INFINITY or most >= wanted, (
        f"this test needs a hard limit of {wanted} descriptors (ulimit -Hn), and has {most}: see CONTRIBUTING.md"
    )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


@dataclass(frozen=True)
class Where:
    """The filter, and the port of the origins."""

    port: int
    authority: Path
    tls_port: int


def _connect(port: int, number: int) -> socket.socket:
    source = f"127.1.{number // OF_ONE_ADDRESS // 250}.{number // OF_ONE_ADDRESS % 250 + 1}"
    return socket.create_connection(("127.0.0.1", port), 30, (source, 0))


@contextlib.contextmanager
def idle(product: Product, network: Network, count: int) -> Iterator[None]:
    """`count` connections: half have said nothing, half have had an answer and are kept."""
    with contextlib.ExitStack() as stack:
        url = network.plain_url("blocked.test")
        request = f"GET {url} HTTP/1.1\r\nHost: {url.split('/')[2]}\r\n\r\n".encode()
        for number in range(count):
            connection = stack.enter_context(_connect(product.port, number))
            if number % 2:
                connection.sendall(request)
                assert connection.recv(65536).startswith(b"HTTP/1.1 407"), number
        yield


@contextlib.contextmanager
def in_background(product: Product, network: Network, work: Work) -> Iterator[None]:
    """Do `work`, a function of a module or a partial of one, in a process of its own until the block ends."""
    spawned = multiprocessing.get_context("spawn")
    over = spawned.Event()
    process = spawned.Process(target=work, args=(Where(product.port, product.authority, network.tls_port), over))
    process.start()
    try:
        yield
        assert process.is_alive(), "what was to disturb has ended by itself"
    finally:
        over.set()
        process.join(60)


def slow_heads(count: int) -> Work:
    """`count` connections that send a head byte by byte, and begin anew when they are closed."""
    return partial(_drip, count)


def _drip(count: int, where: Where, over: Event) -> None:
    connections = [_begun(where, 20_000 + number) for number in range(count)]
    try:
        while not over.wait(_DRIP_SECONDS):
            for number, connection in enumerate(connections):
                try:
                    connection.sendall(b"x")
                except ConnectionError:  # the filter has had enough of it
                    connection.close()
                    connections[number] = _begun(where, 20_000 + number)
    finally:
        for connection in connections:
            connection.close()


def _begun(where: Where, number: int) -> socket.socket:
    connection = _connect(where.port, number)
    with contextlib.suppress(ConnectionError):  # closed already: the next byte says so again
        connection.sendall(b"GET http://allowed.test/ HTTP/1.1\r\nX: ")
    return connection


def rapid_resets(where: Where, over: Event) -> None:
    """One client that opens streams and resets them at once, on a new connection each time it is cut off."""
    while not over.is_set():
        with contextlib.suppress(ConnectionError, TimeoutError, EOFError), Client(where) as client:
            target = f"allowed.test:{where.tls_port}"
            client.connect(target, credentials("ben"))
            client.start_tls("allowed.test", "h2")
            _open_and_reset(client, target, over)
        over.wait(0.05)


def _open_and_reset(client: Client, target: str, over: Event) -> None:
    http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    http.initiate_connection()
    head = [(":method", "GET"), (":scheme", "https"), (":authority", target), (":path", "/page")]
    while not over.is_set():
        for _ in range(20):
            stream = http.get_next_available_stream_id()
            http.send_headers(stream, head, end_stream=True)
            http.reset_stream(stream)
        client.send(http.data_to_send())


def endless_head(where: Where, over: Event) -> None:
    """64 MB in one head, again and again."""
    while not over.is_set():
        with contextlib.suppress(ConnectionError, TimeoutError), _connect(where.port, 30_000) as connection:
            connection.sendall(b"GET http://allowed.test/ HTTP/1.1\r\nX: " + b"x" * 64_000_000)
        over.wait(0.2)


def latencies(product: Product, network: Network, count: int) -> list[float]:
    """One person's requests, on a new and then on a kept connection in turn: seconds each, sorted. All are served."""
    times = []
    for _ in range(count // 10):
        started = time.perf_counter()
        with Client(product) as client:
            for _ in range(10):
                assert client.get(network.plain_url("allowed.test"), credentials("ana")).status == 200
                times.append(time.perf_counter() - started)
                started = time.perf_counter()
    return sorted(times)
