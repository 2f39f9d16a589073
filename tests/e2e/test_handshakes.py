"""TLS has its time on both sides of an intercepted tunnel: an origin and a client that stall in it are let go of."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.e2e.certificates import server_context
from tests.e2e.http2_peer import Peer
from tests.e2e.network import ADDRESSES
from tests.e2e.raw import Client, credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.network import Network
    from tests.e2e.product import Product

HELLO_SECONDS, HEAD_SECONDS, CONNECT_SECONDS = 2, 3, 3
SOON = 30  # far above any of them, far below a connection's idle time
STALLING = "closed.test"  # where nothing listens, but for these tests

#: The beginning of a TLS record that never ends, in as many pieces as one likes.
ENDLESS = b"\x17\x03\x03\x40\x00"


@pytest.fixture(scope="module")
def hurried(product: Product, network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running filter with short deadlines for TLS and the usual ones for all else."""
    own = product.beside(tmp_path_factory.mktemp("hurried"))
    own.settings["proxy"]["limits"] = {
        "hello_seconds": HELLO_SECONDS, "head_seconds": HEAD_SECONDS, "connect_seconds": CONNECT_SECONDS,
    }  # fmt: skip
    own.write()
    with own.running():
        yield own


def drip(send: Callable[[bytes], object], over: threading.Event) -> None:
    """A byte now and then, until nobody takes it or it is over."""
    with contextlib.suppress(OSError):  # the proxy has closed the connection: what the test waits for
        while not over.wait(0.2):
            send(b"\x00")


@contextmanager
def origin(network: Network, serve: Callable[[socket.socket, threading.Event], None]) -> Iterator[list[int]]:
    """Takes connections, each in a thread; the list grows by one for each."""
    over, taken, threads = threading.Event(), [], []
    with socket.create_server((ADDRESSES[STALLING], network.tls_port)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):  # the listener is shut down at the end
                while True:
                    connection, _ = listener.accept()
                    taken.append(1)
                    threads.append(threading.Thread(target=one, args=(connection,)))
                    threads[-1].start()

        def one(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                serve(connection, over)

        threads.append(threading.Thread(target=accept))
        threads[0].start()
        try:
            yield taken
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(20)


def says_nothing(_: socket.socket, over: threading.Event) -> None:
    over.wait(60)


def drips(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"\x16\x03\x03\x40\x00")
    drip(connection.sendall, over)


def opened(client: Client, network: Network, host: str = STALLING) -> str:
    target = f"{host}:{network.tls_port}"
    assert client.connect(target, credentials("ana")).status == 200
    return target


@pytest.mark.parametrize("stalls", [says_nothing, drips])
@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
def test_an_origin_that_stalls_in_tls(hurried: Product, network: Network, alpn: str, stalls: Callable) -> None:
    """It has the time of a connect, whatever else the client's connection does meanwhile."""
    seen = len(hurried.records(host=STALLING, outcome="timeout"))
    with origin(network, stalls), Client(hurried) as client:
        target = opened(client, network)
        client.start_tls(STALLING, alpn)
        started = time.monotonic()
        if alpn == "h2":
            peer = Peer(client, target)
            asked = [peer.ask("/one"), peer.ask("/two")]
            while not all(peer.streams[stream].ended for stream in asked):
                assert time.monotonic() - started < SOON, "still waiting"
                peer.http.ping(b"not idle")
                peer.flush()
                peer.hear(0.2)
                time.sleep(0.1)  # the acknowledgement comes at once
            assert [peer.streams[stream].status for stream in asked] == [504, 504]
        else:
            page = client.inside(target, "/one", "Accept: text/html\r\n")
            assert (page.status, "proxy-status" in page.headers) == (504, True)
        assert CONNECT_SECONDS * 0.9 < time.monotonic() - started < SOON
    for row in hurried.recorded(seen + (2 if alpn == "h2" else 1), host=STALLING, outcome="timeout")[seen:]:
        assert (row["action"], row["user"], row["status"], row["outcome"]) == ("allow", "ana", 504, "timeout")
        assert "TLS" in row["detail"]


def test_who_asks_again_is_connected_again(hurried: Product, network: Network) -> None:
    """On the same connection of the client, which HTTP/2 keeps: an origin that has recovered is reached."""
    context = server_context(network.authority.leaf(STALLING), "http/1.1")
    stalls = threading.Event()

    def serve(connection: socket.socket, over: threading.Event) -> None:
        if not stalls.is_set():
            stalls.set()
            over.wait(60)
            return
        with context.wrap_socket(connection, server_side=True) as inside:
            inside.recv(65536)
            inside.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            over.wait(60)

    with origin(network, serve), Client(hurried) as client:
        target = opened(client, network)
        client.start_tls(STALLING, "h2")
        peer = Peer(client, target)
        assert [peer.get("/one").status, peer.get("/two").status] == [504, 200]


def hello(name: str) -> bytes:
    """A browser's first flight."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    side = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        side.do_handshake()
    return outgoing.read()


FULL = b"\x16\x03\x01\x40\x00"  # the head of a record of 16 KiB
RAW = ("block", "bypass.raw", 403, "ok")
LATE = ("allow", "default", 200, "timeout")

STALLS = {
    "says nothing": (lambda _: b"", False, RAW, "nothing said behind CONNECT within 2 s"),
    "a byte": (lambda _: b"\x16", False, RAW, "no whole ClientHello or request line within 2 s"),
    "half a method": (lambda _: b"GE", False, RAW, "no whole ClientHello or request line within 2 s"),
    "half a hello": (lambda name: hello(name)[:100], False, RAW, "no whole ClientHello or request line within 2 s"),
    "a hello that drips": (lambda _: b"\x16\x03\x01\x20\x00\x01\x00\x1f\xfc", True, RAW, "no whole ClientHello"),
    "a hello and no more": (hello, False, LATE, "the TLS handshake did not end within 3 s"),
    "a hello, and then drips": (lambda name: hello(name) + ENDLESS, True, LATE, "the TLS handshake did not end"),
    "a hello in records of a byte": (
        lambda _: b"\x16\x03\x01\x00\x01\x01" * 50_000, False, RAW, "no ClientHello behind CONNECT",
    ),
    "a hello without an end": (
        lambda _: FULL + b"\x01\xff\xff\xff" + bytes(2**14 - 4) + FULL + bytes(2**14) + FULL, True,
        RAW, "no ClientHello behind CONNECT",
    ),
}  # fmt: skip


def test_a_client_that_stalls_in_tls(hurried: Product, network: Network) -> None:
    """As where a tunnel is passed through: what says nothing, or too little, is neither TLS nor HTTP. All at once."""
    hosts = {name: network.fresh("allowed.test") for name in STALLS}
    over = threading.Event()
    with contextlib.ExitStack() as stack:
        clients = {name: stack.enter_context(Client(hurried)) for name in STALLS}
        stack.callback(over.set)
        for name, (sent, dripping, _, _) in STALLS.items():
            opened(clients[name], network, hosts[name])
            clients[name].send(sent(hosts[name]))
            if dripping:
                threading.Thread(target=drip, args=(clients[name].send, over)).start()
        for name, client in clients.items():
            assert client.closed_within(SOON), name
    for name, (_, _, expected, detail) in STALLS.items():
        [row] = hurried.recorded(host=hosts[name])
        assert (row["action"], row["reason"], row["status"], row["outcome"]) == expected, name
        assert (row["method"], row["user"]) == ("CONNECT", "ana"), name
        assert row["detail"].startswith(detail), (name, row["detail"])


def test_what_has_begun_in_time_may_wait(hurried: Product, network: Network) -> None:
    """A browser that connects in advance, and a hello in pieces."""
    host = network.fresh("allowed.test")
    with Client(hurried) as client:
        target = opened(client, network, host)
        client.start_tls(host)
        time.sleep(HELLO_SECONDS + HEAD_SECONDS + 0.3)
        assert client.inside(target).status == 200
    with Client(hurried) as client:
        opened(client, network, host)
        whole = hello(host)
        for start in range(0, len(whole), 200):
            client.send(whole[start : start + 200])
            time.sleep(0.02)
        assert client.exactly(1) == b"\x16", "a ServerHello"
    with Client(hurried) as client:
        target = f"{host}:{network.plain_port}"
        assert client.connect(target, credentials("ana")).status == 200
        assert client.inside(target).status == 200
        time.sleep(HELLO_SECONDS + 0.3)
        assert client.inside(target).status == 200
