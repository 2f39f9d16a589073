"""Origins that break off or answer rubbish: a page of ours, one record, never mitmproxy's words."""

from __future__ import annotations

import contextlib
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
    "a head without an end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
    "a head that is too large": b"HTTP/1.1 200 OK\r\n" + b"X: 1234567890\r\n" * 5000 + b"\r\n",
    "interim answers without an end": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 30,
    "large interim answers": (b"HTTP/1.1 103 Early Hints\r\nX: " + b"x" * 10_000 + b"\r\n\r\n") * 8,
    "a change to h2c": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nraw bytes",
    "a change to WebSocket": (
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw bytes"
    ),
    "a status below 100": b"HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n",
    "a status that is no number": b"HTTP/1.1 2_00 OK\r\nContent-Length: 0\r\n\r\n",
    "another version": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a NUL in a value": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a carriage return in a value": b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
    "a transfer coding of HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
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
                with contextlib.suppress(ConnectionError):  # the proxy has heard enough
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
    said = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 40\r\n\r\n" + bytes(15) + b"hello"
    with origin(network.plain_port, said), Client(product) as client:
        client.send(f"GET {network.plain_url(HOST, '/broken')} HTTP/1.1\r\nHost: {HOST}\r\n{credentials('ana')}\r\n")
        assert client.rest().endswith(b"hello")
    row = product.recorded(seen + 1, host=HOST)[-1]
    assert (row["status"], row["bytes_out"], row["outcome"]) == (200, 20, "connect")


def test_an_origin_that_breaks_off_while_its_answer_is_held(product: Product, network: Network) -> None:
    """Text is judged before the client has any of it, so there is still a page to be shown (docs/decisions/0020)."""
    seen = len(product.records(host=HOST))
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
    with origin(network.plain_port, said), Client(product) as client:
        answer = client.get(network.plain_url(HOST, "/broken"), credentials("ana"))
    assert (answer.status, b"hello" in answer.body) == (502, False)
    row = product.recorded(seen + 1, host=HOST)[-1]
    assert (row["action"], row["status"], row["outcome"]) == ("allow", 502, "connect")


INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"

WHOLE = {
    "interim answers before it": INTERIM + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "an empty line before it": b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "a folded line": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 5\r\n\r\nhello",
    "no length": b"HTTP/1.1 200 OK\r\n\r\nhello",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\nhello",
    "chunks with extensions and trailers": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"
    ),
}


def test_an_answer_in_an_odd_form_is_one(product: Product, network: Network) -> None:
    """And the client's connection is good for the next, whatever the origin's was."""
    seen = len(product.records(host=HOST))
    with Client(product) as client:
        for name, said in WHOLE.items():
            with origin(network.plain_port, said):
                answer = client.get(network.plain_url(HOST, "/odd"), credentials("ana"))
            assert (answer.status, answer.text) == (200, "hello"), name
            assert "\r" not in str(answer.headers), name
    rows = product.recorded(seen + len(WHOLE), host=HOST)[seen:]
    assert {(row["status"], row["bytes_out"], row["outcome"]) for row in rows} == {(200, 5, "ok")}


#: No text, and said to be none: either would be held.
FILM = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"14\r\n" + bytes(15) + b"hello"

CUT = {
    "a chunk's size that is none": FILM + CHUNK + b"\r\nfive\r\n",
    "a chunk without its CRLF": FILM + CHUNK + b"X0\r\n\r\n",
    "no last chunk": FILM + CHUNK + b"\r\n",
    "a trailer that is none": FILM + CHUNK + b"\r\n0\r\nX\r\n\r\n",
}


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_a_body_that_breaks_never_looks_whole(product: Product, network: Network, version: str) -> None:
    """To HTTP/1.0 its end is the end of the connection: that is a reset."""
    seen = len(product.records(host=HOST))
    for name, said in CUT.items():
        with origin(network.plain_port, said), Client(product) as client:
            address = network.plain_url(HOST, "/broken")
            client.send(f"GET {address} {version}\r\nHost: {HOST}\r\n{credentials('ana')}\r\n")
            if version == "HTTP/1.0":
                with pytest.raises(ConnectionResetError):
                    read_to_the_end(client)
            else:
                assert client.rest().endswith(CHUNK + b"\r\n"), name
    rows = product.recorded(seen + len(CUT), host=HOST)[seen:]
    assert {(row["status"], row["bytes_out"], row["outcome"]) for row in rows} == {(200, 20, "connect")}


def read_to_the_end(client: Client) -> None:
    while client._socket.recv(65536):
        pass


def test_behind_a_change_to_websocket_nothing_else_goes_through(product: Product, network: Network) -> None:
    """An origin that agrees to WebSocket and then speaks SSH is closed: what it said does not reach the client."""
    seen = len(product.records(host=HOST))
    agreed = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    accept = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    asked = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    with origin(network.plain_port, agreed + accept + b"SSH-2.0-OpenSSH_9.2\r\n"), Client(product) as client:
        address = network.plain_url(HOST, "/socket")
        client.send(f"GET {address} HTTP/1.1\r\nHost: {HOST}\r\n{asked}{key}{credentials('ana')}\r\n")
        answered = client.rest()
    assert answered.startswith(b"HTTP/1.1 101 ")
    assert b"SSH-2.0" not in answered
    row = product.recorded(seen + 1, host=HOST)[-1]
    assert (row["scheme"], row["status"]) == ("ws", 101)


def test_a_connection_outlives_an_origin_that_is_out_of_reach(product: Product, network: Network) -> None:
    seen = len(product.records(host=HOST))
    with Client(product) as client:
        for _ in range(2):
            answer = client.get(network.plain_url(HOST), credentials("ana"))
            assert (answer.status, answer.headers.get("connection")) == (502, None)
        assert client.get(network.plain_url("allowed.test"), credentials("ana")).status == 200
    product.recorded(seen + 2, host=HOST)
