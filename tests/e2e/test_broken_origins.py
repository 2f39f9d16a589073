"""Origins that break off or answer rubbish: a page of ours, one record, never mitmproxy's words."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.e2e.network import ADDRESSES
from tests.e2e.raw import Client, credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.network import Network
    from tests.e2e.product import Product

HOST = "closed.test"  # where nothing listens, but for these tests

BROKEN = {
    "closes at once": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a header that is none": b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
    "a length and a transfer coding": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    ),
}


@contextmanager
def origin(port: int, said: bytes) -> Iterator[None]:
    """One connection is taken, one request read, `said` answered, and the connection closed."""
    with socket.create_server((ADDRESSES[HOST], port)) as listener:
        listener.settimeout(20)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(said)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join(20)
        assert not thread.is_alive()


@pytest.mark.parametrize("said", BROKEN.values(), ids=BROKEN.keys())
def test_an_origin_that_answers_rubbish(product: Product, network: Network, said: bytes) -> None:
    seen = len(product.records(host=HOST))
    with origin(network.plain_port, said), Client(product) as client:
        answer = client.get(network.plain_url(HOST, "/broken"), credentials("ana"))
    assert answer.status == 502
    assert "mitmproxy" not in str(answer.headers) + answer.text
    row = product.recorded(seen + 1, host=HOST)[-1]
    assert (row["action"], row["user"], row["outcome"]) == ("allow", "ana", "connect")


def test_an_origin_that_breaks_off_in_the_middle(product: Product, network: Network) -> None:
    seen = len(product.records(host=HOST))
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
    with origin(network.plain_port, said), Client(product) as client:
        client.send(f"GET {network.plain_url(HOST, '/broken')} HTTP/1.1\r\nHost: {HOST}\r\n{credentials('ana')}\r\n")
        assert client.rest().endswith(b"hello")
    row = product.recorded(seen + 1, host=HOST)[-1]
    assert (row["status"], row["bytes_out"], row["outcome"]) == (200, 5, "connect")
