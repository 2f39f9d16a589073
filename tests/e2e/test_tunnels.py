"""What is spoken in tunnels: TLS, HTTP, what is approved, and nothing else; each refusal is a close and one record."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from tests.e2e.network import ADDRESSES
from tests.e2e.raw import Client, credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.network import Network
    from tests.e2e.product import Product

#: No refusal may take longer, in seconds: the time for a ClientHello is 5.
LONGEST = 6.0

SSH = b"SSH-2.0-OpenSSH_9.2p1\r\n"
AT_ONCE = {
    "SSH": (SSH, "bypass.ssh"),
    "noise": (bytes(range(128, 250)), "bypass.raw"),
    "a method and noise": (b"GET " + bytes(range(1, 9)), "bypass.raw"),
    "two words that are no request": (b"HELLO THERE\r\n", "bypass.raw"),
    "HTTP/2 in the clear": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "bypass.raw"),
}


def opened(product: Product, network: Network, host: str, *, tls: bool) -> Client:
    client = Client(product)
    assert client.connect(f"{host}:{network.tls_port}", credentials("ana")).status == 200
    if tls:
        client.start_tls(host)
    return client


def check_refused(product: Product, network: Network, said: list[bytes], reason: str, *, tls: bool) -> None:
    host, contacts = network.fresh("allowed.test"), network.contacts()
    with opened(product, network, host, tls=tls) as client:
        began = time.monotonic()
        for piece in said:
            client.send(piece)
        assert client.closed_within(LONGEST)
        assert time.monotonic() - began < LONGEST
    assert network.contacts() == contacts
    [row] = product.recorded(host=host)
    assert (row["action"], row["reason"], row["status"]) == ("block", reason, 403)


@pytest.mark.parametrize("tls", [False, True], ids=["behind CONNECT", "inside TLS"])
@pytest.mark.parametrize("pieces", [False, True], ids=["at once", "byte by byte"])
@pytest.mark.parametrize(("said", "reason"), AT_ONCE.values(), ids=AT_ONCE.keys())
def test_what_is_neither_tls_nor_http_is_closed(
    product: Product, network: Network, said: bytes, reason: str, pieces: bool, tls: bool
) -> None:
    sent = [said[at : at + 1] for at in range(len(said))] if pieces else [said]
    check_refused(product, network, sent, reason, tls=tls)


@pytest.mark.parametrize("tls", [False, True], ids=["behind CONNECT", "inside TLS"])
def test_a_word_that_may_become_a_request_is_waited_for_but_not_for_ever(
    product: Product, network: Network, tls: bool
) -> None:
    check_refused(product, network, [b"GE"], "bypass.raw", tls=tls)


def test_a_client_that_waits_for_its_server_to_speak_is_closed(product: Product, network: Network) -> None:
    """SSH, VNC, SMTP and FTP let the server begin; no browser does."""
    check_refused(product, network, [], "bypass.raw", tls=False)


def test_a_request_in_pieces_of_one_byte_is_judged(product: Product, network: Network) -> None:
    host = network.fresh("allowed.test")
    with opened(product, network, host, tls=True) as client:
        for byte in f"GET /page HTTP/1.1\r\nHost: {host}:{network.tls_port}\r\n\r\n".encode():
            client.send(bytes([byte]))
        assert client.response().status == 200


@pytest.mark.parametrize("tls", [False, True], ids=["behind CONNECT", "inside TLS"])
def test_a_proxy_behind_the_proxy_is_not_asked(product: Product, network: Network, tls: bool) -> None:
    host, contacts = network.fresh("allowed.test"), network.contacts()
    with opened(product, network, host, tls=tls) as client:
        client.send(f"CONNECT blocked.test:443 HTTP/1.1\r\nHost: {host}\r\n\r\n")
        assert client.response(connect=True).status == 403
    assert network.contacts() == contacts
    [row] = product.recorded(host=host)
    assert (row["action"], row["reason"], row["method"]) == ("block", "bypass.proxy-chain", "CONNECT")


@contextmanager
def greeting_server(host: str, greeting: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A server that speaks first, and what it is told."""
    told: list[bytes] = []
    with socket.create_server((host, 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    accepted, _ = listener.accept()
                except OSError:
                    return
                with accepted, suppress(OSError):  # the filter cuts what it refuses
                    accepted.sendall(greeting)
                    while data := accepted.recv(4096):
                        told.append(data)
                        accepted.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], told
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


APPROVED = {
    "SSH on both sides": (SSH, SSH, True, "default"),
    "a client that speaks something else": (SSH, b"\x05\x01\x00", False, "bypass."),
    "a client that speaks TLS": (SSH, b"\x16\x03\x01\x02\x00\x01\x00", False, "bypass."),
    "a server that speaks something else": (b"RFB 003.008\n", SSH, False, "bypass."),
}


@pytest.fixture(scope="module")
def approving(
    product: Product, network: Network, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Product, dict[str, tuple[str, int, list[bytes]]]]]:
    """A filter with a tunnel approved for SSH to each server of the table: host, port, and what it was told."""
    made, places = product.beside(tmp_path_factory.mktemp("approving")), {}
    with ExitStack() as stack:
        approved = made.settings["proxy"]["approved_tunnels"] = []
        for name, (greeting, *_) in APPROVED.items():
            host = network.fresh("allowed.test")
            port, told = stack.enter_context(greeting_server(ADDRESSES["allowed.test"], greeting))
            places[name] = (host, port, told)
            owned = {"owner": "ITS", "reason": "payroll", "since": "2026-11-01"}
            approved.append({"host": host, "port": port, "protocol": "ssh", **owned})
        made.write()
        stack.callback(made.kill)
        made.start()
        yield made, places
        made.stop()


@pytest.mark.parametrize("name", APPROVED)
def test_an_approved_tunnel_holds_its_protocol_alone(
    approving: tuple[Product, dict[str, tuple[str, int, list[bytes]]]], name: str
) -> None:
    product, (host, port, told) = approving[0], approving[1][name]
    server, client, passes, reason = APPROVED[name]
    with Client(product) as opening:
        assert opening.connect(f"{host}:{port}", credentials("ana")).status == 200
        opening.send(client)
        if passes:
            assert opening.exactly(len(server) + len(client)) == server + client
        else:
            assert opening.closed_within(LONGEST)
    [row] = product.recorded(host=host, event="decision")
    assert row["action"] == ("passthrough" if passes else "block")
    assert row["reason"].startswith(reason)
    assert b"".join(told) in ([client] if passes else [b"", SSH]), "what is not SSH never came there"


def test_a_port_that_is_approved_for_a_tunnel_takes_no_requests(
    approving: tuple[Product, dict[str, tuple[str, int, list[bytes]]]],
) -> None:
    product, (host, port, _) = approving[0], approving[1]["SSH on both sides"]
    with Client(product) as client:
        assert client.get(f"http://{host}:{port}/", credentials("ana")).status == 403
    [row] = product.recorded(host=host, reason="address.port")
    assert row["action"] == "block"
