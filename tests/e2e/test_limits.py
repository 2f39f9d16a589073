"""Deadlines and caps inside a connection: for every head, for an origin's answer, for bodies."""

from __future__ import annotations

import struct
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hyperframe import frame as frames

from tests.e2e.http2_peer import peer
from tests.e2e.lone_origin import SILENT, saying
from tests.e2e.raw import Client, credentials, tunnel
from tests.e2e.raw_h2 import exchange, head

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.network import Network
    from tests.e2e.product import Product

HEAD_SECONDS, WAIT_SECONDS, BODY_BYTES, MESSAGE_BYTES = 3, 2, 2**20, 2**16
SOON = 15  # far above either


@pytest.fixture(scope="module")
def limited(product: Product, network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running filter with short deadlines and a small cap on bodies."""
    own = product.beside(tmp_path_factory.mktemp("limited"))
    own.settings["proxy"]["limits"] = {
        "head_seconds": HEAD_SECONDS, "tunnel_idle_seconds": WAIT_SECONDS, "body_bytes": BODY_BYTES,
        "websocket_message_bytes": MESSAGE_BYTES,
    }  # fmt: skip
    own.write()
    with own.running():
        yield own


@contextmanager
def dripping(client: Client, rest: bytes = b"x" * 1000) -> Iterator[None]:
    """A byte of `rest` now and then, until the connection is closed."""
    over = threading.Event()

    def drip() -> None:
        try:
            for byte in rest:
                if over.wait(0.2):
                    return
                client.send(bytes([byte]))
        except OSError:
            return  # the proxy has closed the connection: what the test waits for

    thread = threading.Thread(target=drip)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.mark.parametrize("kind", ["kept", "tunnel"])
def test_every_head_has_its_time(limited: Product, network: Network, kind: str) -> None:
    """The second head of a connection too, and a byte now and then does not prolong it."""
    host = network.fresh("older.test")
    seen = len(limited.records(reason="protocol.malformed"))
    with Client(limited) as client:
        if kind == "tunnel":
            target = tunnel(client, network, host)
            assert client.inside(target).status == 200
        else:
            assert client.get(network.plain_url(host), credentials("ana")).status == 200
        time.sleep(HEAD_SECONDS * 1.5)  # time between two requests is none of a head
        client.send("GET /page HTTP/1.1\r\nX: ")
        started = time.monotonic()
        with dripping(client):
            assert client.response().status == 408
            client.rest()
        assert HEAD_SECONDS * 0.9 < time.monotonic() - started < SOON
    row = limited.recorded(seen + 1, reason="protocol.malformed")[-1]
    assert (row["status"], row["user"]) == (408, "ana" if kind == "tunnel" else None)


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frames.SettingsFrame(0).serialize()
HEAD = frames.HeadersFrame(1, b"x" * 1000, flags=["END_HEADERS"]).serialize()
GOES_ON = frames.HeadersFrame(1, b"").serialize()
ON_AND_ON = frames.ContinuationFrame(1, b"").serialize() * 100


@pytest.mark.parametrize(
    ("begins", "drips"),
    [(PREFACE[:2], PREFACE[2:]), (PREFACE + HEAD[:3], HEAD[3:]), (PREFACE + GOES_ON, ON_AND_ON)],
    ids=["the preface", "a head", "a head that goes on"],
)
def test_every_head_of_http2_has_its_time(limited: Product, network: Network, begins: bytes, drips: bytes) -> None:
    host = network.fresh("allowed.test")
    with Client(limited) as client:
        tunnel(client, network, host, "h2")
        client.send(begins)
        started = time.monotonic()
        with dripping(client, drips):
            client.rest()
        assert HEAD_SECONDS * 0.9 < time.monotonic() - started < SOON
    [row] = limited.recorded(host=host, reason="protocol.malformed")
    assert row["detail"] == "no complete head within the time limit"


def test_a_head_of_http2_in_pieces_that_comes_in_time(limited: Product, network: Network) -> None:
    """Each has its own time, and a pause between two requests is none of a head."""
    with peer(limited, network, network.fresh("allowed.test")) as client:
        assert client.get("/page").status == 200
        client.listen(HEAD_SECONDS * 1.5)
        for _ in range(3):
            assert client.streams[client.ask_slowly("/page", HEAD_SECONDS / 4)].status == 200


def test_a_head_in_pieces_that_comes_in_time(limited: Product, network: Network) -> None:
    host = network.fresh("older.test")
    with Client(limited) as client:
        target = tunnel(client, network, host)
        for _ in range(3):
            for piece in ("GET /page HTTP/1.1\r\n", f"Host: {target}\r\n", "\r\n"):
                client.send(piece)
                time.sleep(0.2)
            assert client.response().status == 200


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 O"], ids=["nothing", "a beginning"]
)
@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
def test_an_origin_that_does_not_answer(limited: Product, network: Network, alpn: str, said: bytes) -> None:
    seen = len(limited.records(host=SILENT, outcome="timeout"))
    started = time.monotonic()
    with saying(network, "http/1.1", (0, said)), Client(limited) as client:
        target = tunnel(client, network, SILENT, alpn)
        if alpn == "h2":
            answer = exchange(client, head(target, "/slow"))
            assert (answer.status, answer.whole) == (504, True)
        else:
            page = client.inside(target, "/slow", "Accept: text/html\r\n")
            assert (page.status, "proxy-status" in page.headers) == (504, True)
    assert time.monotonic() - started < SOON
    row = limited.recorded(seen + 1, host=SILENT, outcome="timeout")[-1]
    assert (row["action"], row["user"], row["status"]) == ("allow", "ana", 504)


@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
def test_an_answer_that_stops_is_cut_and_never_looks_whole(limited: Product, network: Network, alpn: str) -> None:
    """Without a length the end of the body would be the end of the connection: it is reset instead, or chunked."""
    seen = len(limited.records(host=SILENT, outcome="timeout"))
    said = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"
    with saying(network, "http/1.1", (0, said)), Client(limited) as client:
        target = tunnel(client, network, SILENT, alpn)
        if alpn == "h2":
            answer = exchange(client, head(target, "/slow"))
            assert (answer.status, answer.body, answer.whole, answer.reset) == (200, b"hello", False, True)
        else:
            client.send(f"GET /slow HTTP/1.1\r\nHost: {target}\r\n\r\n")
            answered = client.rest()
            assert b"transfer-encoding: chunked" in answered
            assert answered.endswith(b"5\r\nhello\r\n"), "no last chunk"
    row = limited.recorded(seen + 1, host=SILENT, outcome="timeout")[-1]
    assert (row["status"], row["bytes_out"]) == (200, 5)


@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
def test_a_body_announced_as_too_large(limited: Product, network: Network, alpn: str) -> None:
    """An upload gets 413 before a byte of it is sent, a download 502."""
    host, length = network.fresh("older.test"), BODY_BYTES + 1
    with Client(limited) as client:
        target = tunnel(client, network, host, alpn)
        if alpn == "h2":
            assert exchange(client, head(target, f"/bytes/{length}")).status == 502
        else:
            assert client.inside(target, f"/bytes/{length}").status == 502
    with Client(limited) as client:
        target = tunnel(client, network, host)
        client.send(f"POST /upload HTTP/1.1\r\nHost: {target}\r\nContent-Length: {length}\r\n\r\n")
        answer = client.response()
        assert (answer.status, "proxy-status" in answer.headers) == (413, True)
    large, upload = limited.recorded(2, host=host)
    assert (large["action"], large["status"]) == ("allow", 502)
    assert (upload["action"], upload["reason"], upload["status"]) == ("block", "protocol.malformed", 413)
    assert [seen.path for seen in network.origins["older.test"].requests if seen.host.startswith(host)] == [
        f"/bytes/{length}"
    ]


@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
def test_a_body_that_grows_too_large_is_cut(limited: Product, network: Network, alpn: str) -> None:
    host = network.fresh("older.test")
    with Client(limited) as client:
        target = tunnel(client, network, host, alpn)
        if alpn == "h2":
            answer = exchange(client, head(target, f"/chunked/{4 * BODY_BYTES}"))
            assert (answer.status, answer.whole, answer.reset) == (200, False, True)
        else:
            client.send(f"GET /chunked/{4 * BODY_BYTES} HTTP/1.1\r\nHost: {target}\r\n\r\n")
            assert not client.rest().endswith(b"0\r\n\r\n")
    rows = limited.recorded(2, host=host)
    assert rows[-1]["event"] == "end"
    assert rows[-1]["detail"].startswith("breakwater-answer-too-large")


def test_an_upload_that_grows_too_large_is_cut(limited: Product, network: Network) -> None:
    host = network.fresh("older.test")
    with Client(limited) as client:
        target = tunnel(client, network, host)
        client.send(f"POST /upload HTTP/1.1\r\nHost: {target}\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"%x\r\n%s\r\n" % (2**18, b"x" * 2**18)
        for _ in range(5):
            client.send(piece)
        assert client.response().status == 413
    rows = limited.recorded(2, host=host)
    assert (rows[-1]["event"], rows[-1]["reason"], rows[-1]["status"]) == ("end", "protocol.malformed", 413)
    assert not [seen for seen in network.origins["older.test"].requests if seen.host.startswith(host)]


def frame(opcode: int, data: bytes) -> bytes:
    """A client's WebSocket frame, masked with zeros; 0x80 in the opcode is the message's end."""
    if len(data) < 126:
        return struct.pack(">BBI", opcode, 0x80 | len(data), 0) + data
    if len(data) < 2**16:
        return struct.pack(">BBHI", opcode, 0x80 | 126, len(data), 0) + data
    return struct.pack(">BBQI", opcode, 0x80 | 127, len(data), 0) + data


LARGE = {
    "one frame": (frame(0x82, b"x" * (MESSAGE_BYTES + 1)),),
    "fragments": (frame(0x02, b"x" * 40_000), frame(0x00, b"x" * 40_000)),
    "empty fragments": (frame(0x02, b""), *(frame(0x00, b"") for _ in range(2000))),
}


@pytest.mark.parametrize("sent", LARGE.values(), ids=LARGE.keys())
def test_a_websocket_message_is_bounded(limited: Product, network: Network, sent: tuple[bytes, ...]) -> None:
    host = network.fresh("older.test")
    with Client(limited) as client:
        target = tunnel(client, network, host)
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        assert client.inside(target, "/echo", upgrade + key).status == 101
        most = b"y" * 50_000
        client.send(frame(0x82, most))
        echoed = b""
        while echoed.count(b"y") < len(most):
            echoed += client.read() or pytest.fail("closed before the message had come back")
        client.send(b"".join(sent))
        assert client.rest() == b"\x88\x02" + struct.pack(">H", 1009)
    row = limited.recorded(2, host=host)[-1]
    assert (row["event"], row["bytes_in"], row["bytes_out"]) == ("end", 50_000, 50_000)
    assert row["detail"] == "closed for a message that is too large (1009)"
