"""Heads after a connection's first one: bounded, and where they are malformed refused, recorded and ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.raw import Client, credentials

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product

MALFORMED = "protocol.malformed"

HEADS = {
    "no request line": (b"\x00\x01\x02\r\n\r\n", 400),
    "a length that is no number": (b"POST /page HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello", 400),
    "two kinds of length": (
        b"POST /page HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: xchunked\r\n\r\nhello", 400
    ),
    "no destination": (b"PRI * HTTP/2.0\r\n\r\n", 400),
    "a fragment": (b"GET /ok#/../bad HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "an endless head": (b"GET /page HTTP/1.1\r\nX: " + b"x" * 200_000, 431),
}  # fmt: skip


@pytest.fixture(params=["kept", "tunnel"])
def client(request: pytest.FixtureRequest, product: Product, network: Network) -> Client:
    """A connection that has already served a request: plain and kept open, or inside a tunnel."""
    host = network.fresh("allowed.test")
    with Client(product) as client:
        if request.param == "kept":
            assert client.get(network.plain_url(host), credentials("ana")).status == 200
        else:
            target = f"{host}:{network.tls_port}"
            assert client.connect(target, credentials("ana")).status == 200
            client.start_tls(host)
            assert client.inside(target).status == 200
        yield client


@pytest.mark.parametrize(("sent", "status"), HEADS.values(), ids=HEADS.keys())
def test_a_later_head_that_cannot_be_read(
    client: Client, product: Product, network: Network, sent: bytes, status: int
) -> None:
    before, seen = network.contacts(), len(product.records(reason=MALFORMED))
    client.send(sent)
    answer = client.response()
    assert answer.status == status
    assert "mitmproxy" not in str(answer.headers) + answer.text
    assert "proxy-status" in answer.headers
    row = product.recorded(seen + 1, reason=MALFORMED)[-1]
    assert (row["action"], row["status"]) == ("block", status)
    assert network.contacts() == before


def test_heads_without_an_end_take_no_memory(product: Product, network: Network) -> None:
    """Without an account: 407 first, then header without an end on the kept connection."""
    before = product.worker_memory()
    with Client(product) as client:
        assert client.get(network.plain_url("allowed.test")).status == 407
        client.send(b"GET http://allowed.test/ HTTP/1.1\r\nX: ")
        with pytest.raises((ConnectionError, TimeoutError)):
            _send_without_end(client)
    assert product.worker_memory() - before < 20 * 2**20


def _send_without_end(client: Client) -> None:
    for _ in range(10_000):
        client.send(b"x" * 2**20)
