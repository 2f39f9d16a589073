"""What a client sends behind a request that is under way: browsers send nothing, and each would be kept."""

from __future__ import annotations

import contextlib
import ssl
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.e2e.lone_origin import SILENT, lone_origin
from tests.e2e.raw import Client, tunnel

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from tests.e2e.network import Network
    from tests.e2e.product import Product

SOON = 15  # far above what it takes
LATE_SECONDS = 1.0


def test_what_is_sent_ahead_of_an_answer_is_bounded(product: Product, network: Network) -> None:
    host = network.fresh("older.test")
    with Client(product) as client:
        target = tunnel(client, network, host)
        client.send(f"GET /held/ahead HTTP/1.1\r\nHost: {target}\r\n\r\n")
        ahead = f"GET /page HTTP/1.1\r\nHost: {target}\r\nX: {'x' * 1000}\r\n\r\n".encode()
        with contextlib.suppress(ConnectionError, ssl.SSLError):  # cut off while it sends
            client.send(ahead * (2**21 // len(ahead)))
        assert client.closed_within(SOON)
    [row] = product.recorded(host=host, reason="protocol.malformed")
    assert (row["status"], row["user"], row["detail"]) == (0, "ana", "too much sent ahead of the answer")
    [row] = product.recorded(host=host, outcome="client-abort")
    assert (row["method"], row["path"], row["reason"]) == ("GET", "/held/ahead", "default")
    assert [seen.path for seen in network.origins["older.test"].requests if seen.host.startswith(host)] == [
        "/held/ahead"
    ]


@contextmanager
def late_origin(network: Network) -> Iterator[list[str]]:
    """An origin that takes its time over TLS, and then answers all; the paths that it was asked for."""
    asked: list[str] = []

    def serve(connection: socket.socket, context: ssl.SSLContext) -> None:
        time.sleep(LATE_SECONDS)
        with context.wrap_socket(connection, server_side=True) as inside:
            while heard := inside.recv(65536):
                asked.extend(line.split()[1].decode() for line in heard.split(b"\r\n") if line.startswith(b"GET "))
                inside.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with lone_origin(network, serve):
        yield asked


@pytest.mark.parametrize("ends", ["too much is sent ahead", "the client leaves"])
def test_nothing_that_was_sent_ahead_is_asked_once_the_connection_has_ended(
    product: Product, network: Network, ends: str
) -> None:
    """The end comes before the first request has its origin."""
    with late_origin(network) as asked:
        with Client(product) as client:
            target = tunnel(client, network, SILENT)
            later = f"GET /later HTTP/1.1\r\nHost: {target}\r\nX: {'x' * 1000}\r\n\r\n".encode()
            ahead = later * (2**21 // len(later) if ends == "too much is sent ahead" else 20)
            with contextlib.suppress(ConnectionError, ssl.SSLError):  # cut off while it sends
                client.send(f"GET /first HTTP/1.1\r\nHost: {target}\r\n\r\n".encode() + ahead)
            time.sleep(LATE_SECONDS / 2)
        time.sleep(LATE_SECONDS)
        assert "/later" not in asked
