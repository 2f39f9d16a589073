"""A passed-through tunnel is not decrypted, and is no hole: behind CONNECT there has to be TLS to the judged name."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from tests.e2e.raw import Client, credentials

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product

HOST = "bank.test"


def opened(product: Product, network: Network) -> Client:
    client = Client(product)
    assert client.connect(f"{HOST}:{network.tls_port}", credentials("ana")).status == 200
    return client


def client_hello(name: str | None) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


NOT_TLS = {
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", "bypass.ssh"),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: bank.test\r\n\r\n", "bypass.raw"),
    "BitTorrent": (b"\x13BitTorrent protocol" + bytes(48), "p2p.bittorrent"),
    "SOCKS": (b"\x05\x01\x00", "bypass.socks"),
    "endless hello": (b"\x16\x03\x01\xff\xff" + bytes(40_000), "bypass.raw"),
    "broken hello": (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "bypass.raw"),
    "empty records": (b"\x16\x03\x01\x00\x00" * 8_000, "bypass.raw"),
    "one byte, then nothing": (b"\x16", "bypass.raw"),
}


@pytest.mark.parametrize(("first", "reason"), NOT_TLS.values(), ids=NOT_TLS.keys())
def test_what_is_not_tls_goes_nowhere(product: Product, network: Network, first: bytes, reason: str) -> None:
    before, seen = network.contacts(), len(product.records(host=HOST))
    with opened(product, network) as client:
        client.send(first)
        assert client.closed_within(15)
    row = product.recorded(seen + 1, host=HOST)[-1]
    assert (row["user"], row["action"], row["reason"], row["status"]) == ("ana", "block", reason, 403)
    assert (row["outcome"], row["bytes_in"], row["bytes_out"]) == ("ok", 0, 0)
    assert "ClientHello" in row["detail"] or "TLS" in row["detail"]
    assert network.contacts() == before


@pytest.mark.parametrize("name", [None, "blocked.test", "sub.bank.test", "bank.test.blocked.test"])
def test_a_hello_that_names_another_site_is_refused(product: Product, network: Network, name: str | None) -> None:
    before, seen = network.contacts(), len(product.records(host=HOST))
    with opened(product, network) as client:
        client.send(client_hello(name))
        assert client.closed_within(15)
    row = product.recorded(seen + 1, host=HOST)[-1]
    assert (row["action"], row["reason"]) == ("block", "address.mismatch")
    assert network.contacts() == before


def test_a_hello_in_pieces_of_one_byte_is_read_whole(product: Product, network: Network) -> None:
    seen = len(product.records(host=HOST))
    with opened(product, network) as client:
        for byte in client_hello(HOST):
            client.send(bytes([byte]))
        assert client.read().startswith(b"\x16\x03\x03")  # the origin's ServerHello
    assert product.recorded(seen + 1, host=HOST)[-1]["action"] == "passthrough"


def test_what_goes_through_is_counted_and_arrives_whole(product: Product, network: Network) -> None:
    size = 4 * 1024 * 1024
    seen = len(product.records(host=HOST))
    with opened(product, network) as client:
        client.start_tls(HOST, trust=network.authority.file)
        answer = client.inside(f"{HOST}:{network.tls_port}", f"/bytes/{size}")
    assert (answer.status, len(answer.body)) == (200, size)
    row = product.recorded(seen + 1, host=HOST)[-1]
    assert (row["user"], row["action"], row["path"]) == ("ana", "passthrough", "/")
    assert size < row["bytes_out"] < size * 1.05
    assert 100 < row["bytes_in"] < 100_000
