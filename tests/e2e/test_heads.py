"""Heads that are none: refused, recorded and ours, wherever they come; and bounded in size and time."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.e2e.raw import Client, credentials
from tests.e2e.raw_h2 import exchange, head

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.network import Network
    from tests.e2e.product import Product

MALFORMED = "protocol.malformed"

#: `@` stands for the target in the form that its place needs, `%` for the host.
LINES = {
    "two Hosts": b"GET @ HTTP/1.1\r\nHost: %\r\nHost: other.test\r\n\r\n",
    "the same Host twice": b"GET @ HTTP/1.1\r\nHost: %\r\nhost: %\r\n\r\n",
    "a NUL in a value": b"GET @ HTTP/1.1\r\nHost: %\r\nX: a\0b\r\n\r\n",
    "a folded line": b"GET @ HTTP/1.1\r\nHost: %\r\nX: a\r\n b\r\n\r\n",
    "a folded first line": b"GET @ HTTP/1.1\r\n X: a\r\nHost: %\r\n\r\n",
    "a bare line feed": b"GET @ HTTP/1.1\r\nHost: %\nX: a\r\n\r\n",
    "a bare line feed behind the request line": b"GET @ HTTP/1.1\nHost: %\r\n\r\n",
    "a bare carriage return": b"GET @ HTTP/1.1\r\nHost: %\r\nX: a\rY: b\r\n\r\n",
    "a length and a transfer coding": (
        b"POST @ HTTP/1.1\r\nHost: %\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "two lengths": b"POST @ HTTP/1.1\r\nHost: %\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "the same length twice": b"POST @ HTTP/1.1\r\nHost: %\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of lengths": b"POST @ HTTP/1.1\r\nHost: %\r\nContent-Length: 5, 5\r\n\r\nhello",
    "a length that is no number": b"POST @ HTTP/1.1\r\nHost: %\r\nContent-Length: +5\r\n\r\nhello",
    "an unknown transfer coding": b"POST @ HTTP/1.1\r\nHost: %\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two transfer codings": (
        b"POST @ HTTP/1.1\r\nHost: %\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"
    ),
    "a transfer coding of HTTP/1.0": b"POST @ HTTP/1.0\r\nHost: %\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": b"POST @ HTTP/1.1\r\nHost: %\r\nContent-Length : 5\r\n\r\nhello",
    "a line without a colon": b"GET @ HTTP/1.1\r\nHost: %\r\nnothing\r\n\r\n",
    "a name with a control character": b"GET @ HTTP/1.1\r\nHost: %\r\nX\x01: a\r\n\r\n",
    "a control character in the method": b"G\x01T @ HTTP/1.1\r\nHost: %\r\n\r\n",
    "a control character in the target": b"GET @\x01 HTTP/1.1\r\nHost: %\r\n\r\n",
    "a tab for a blank": b"GET\t@ HTTP/1.1\r\nHost: %\r\n\r\n",
    "no version": b"GET @\r\nHost: %\r\n\r\n",
    "a version that is none": b"GET @ HTTP/3.0\r\nHost: %\r\n\r\n",
    "a fragment": b"GET @#/../bad HTTP/1.1\r\nHost: %\r\n\r\n",
    "no request line": b"\x00\x01\x02\r\n\r\n",
    "no destination": b"PRI * HTTP/2.0\r\n\r\n",
}  # fmt: skip


@contextmanager
def place(kind: str, product: Product, network: Network, host: str) -> Iterator[tuple[Client, str]]:
    """A connection and the target on it: new and plain, plain and kept open, or inside TLS after a first request."""
    with Client(product) as client:
        if kind == "tunnel":
            target = f"{host}:{network.tls_port}"
            assert client.connect(target, credentials("ana")).status == 200
            client.start_tls(host)
            assert client.inside(target).status == 200
            yield client, "/page"
            return
        if kind == "kept":
            assert client.get(network.plain_url(host), credentials("ana")).status == 200
        yield client, network.plain_url(host)


@pytest.mark.parametrize("kind", ["first", "kept", "tunnel"])
def test_a_head_that_cannot_be_read(product: Product, network: Network, kind: str) -> None:
    host = network.fresh("allowed.test")
    seen, asked = len(product.records(reason=MALFORMED)), 0
    for name, line in LINES.items():
        with place(kind, product, network, host) as (client, target):
            asked += kind != "first"
            port = network.tls_port if kind == "tunnel" else network.plain_port
            named = line.replace(b"%", f"{host}:{port}".encode()).replace(b"@", target.encode())
            client.send(named.replace(b"Host:", f"{credentials('ana')}Host:".encode(), 1))
            answer = client.response()
            assert answer.status == 400, name
            assert "mitmproxy" not in str(answer.headers) + answer.text, name
            assert "proxy-status" in answer.headers or kind == "first", name
            assert client.rest() == b"", name
    rows = product.recorded(seen + len(LINES), reason=MALFORMED)[seen:]
    assert {(row["action"], row["status"]) for row in rows} == {("block", 400)}
    reached = [each for origins in (network.plain, network.origins) for each in origins["allowed.test"].requests]
    assert len([each for each in reached if each.host.startswith(host)]) == asked


@pytest.mark.parametrize("kind", ["kept", "tunnel"])
def test_a_head_of_bare_line_feeds_is_not_waited_for(product: Product, network: Network, kind: str) -> None:
    host, seen = network.fresh("allowed.test"), len(product.records(reason=MALFORMED))
    with place(kind, product, network, host) as (client, target):
        client.send(f"GET {target} HTTP/1.1\nHost: {host}\n\n")
        assert client.response().status == 400
    product.recorded(seen + 1, reason=MALFORMED)


@pytest.mark.parametrize("kind", ["kept", "tunnel"])
@pytest.mark.parametrize("begun", ["GET % HTTP/1.1\r\nX: \x01", "GET %\r\n"], ids=["a control character", "no version"])
def test_what_cannot_become_a_head_is_not_waited_for(product: Product, network: Network, kind: str, begun: str) -> None:
    host, seen = network.fresh("allowed.test"), len(product.records(reason=MALFORMED))
    with place(kind, product, network, host) as (client, target):
        client.send(begun.replace("%", target))
        assert client.response().status == 400
    product.recorded(seen + 1, reason=MALFORMED)


@pytest.mark.parametrize("kind", ["kept", "tunnel"])
def test_an_endless_head(product: Product, network: Network, kind: str) -> None:
    host, seen = network.fresh("allowed.test"), len(product.records(reason=MALFORMED))
    with place(kind, product, network, host) as (client, target):
        client.send(f"GET {target} HTTP/1.1\r\nX: {'x' * 200_000}")
        answer = client.response()
        assert (answer.status, "proxy-status" in answer.headers) == (431, True)
    assert product.recorded(seen + 1, reason=MALFORMED)[-1]["status"] == 431


def test_an_empty_line_before_a_head_is_passed_over(product: Product, network: Network) -> None:
    """Old clients send one behind a body."""
    host = network.fresh("allowed.test")
    with place("tunnel", product, network, host) as (client, target):
        client.send(f"\r\nGET {target} HTTP/1.1\r\nHost: {host}:{network.tls_port}\r\n\r\n")
        assert client.response().status == 200


#: What HTTP/2 has no words for: fields, pieces of the body (None: the stream ends with its head), and whether the
#: origin may have been asked before the fault was seen.
STREAMS = {
    "a NUL in a value": (((b"x", b"a\0b"),), None),
    "a line feed in a value": (((b"x", b"a\nb"),), None),
    "a header line in a value": (((b"x", b"a\r\nHost: blocked.test"),), None),
    "a blank in a name": (((b"x y", b"a"),), None),
    "a colon in a name": (((b"x:y", b"a"),), None),
    "an upper-case name": (((b"X", b"a"),), None),
    "a field of HTTP/1.1's connection": (((b"connection", b"close"),), None),
    "a transfer coding": (((b"transfer-encoding", b"chunked"),), [b"hello"]),
    "two hosts": (((b"host", b"@"), (b"host", b"@")), None),
    "two lengths": (((b"content-length", b"5"), (b"content-length", b"6")), [b"hello"]),
    "the same length twice": (((b"content-length", b"5"), (b"content-length", b"5")), [b"hello"]),
    "a length that is no number": (((b"content-length", b"+5"),), [b"hello"]),
    "a length, and no body": (((b"content-length", b"5"),), None),
    "a longer body than its length": (((b"content-length", b"4"),), [b"hel", b"lo"]),
    "a shorter body than its length": (((b"content-length", b"6"),), [b"hello"]),
}  # fmt: skip


@pytest.mark.parametrize("zone", ["older.test", "allowed.test"], ids=["HTTP/1.1 origin", "HTTP/2 origin"])
def test_a_stream_that_cannot_be_read(product: Product, network: Network, zone: str) -> None:
    host = network.fresh(zone)
    target, seen = f"{host}:{network.tls_port}", len(product.records(reason=MALFORMED))
    for name, (fields, body) in STREAMS.items():
        with Client(product) as client:
            assert client.connect(target, credentials("ana")).status == 200
            client.start_tls(host, "h2")
            more = tuple((field, value.replace(b"@", target.encode())) for field, value in fields)
            answer = exchange(client, head(target, "/upload", "POST", *more), body)
            assert answer.status == 400 or (answer.status == 0 and (answer.reset or answer.gone)), (name, answer)
            assert "mitmproxy" not in str(answer), name
    product.recorded(seen + len(STREAMS), reason=MALFORMED)
    assert not [each for each in network.origins[zone].requests if each.host.startswith(host)], "none was answered"


def pour(client: Client) -> None:
    """A mebibyte at a time, for twenty seconds."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        client.send(b"x" * 2**20)
        time.sleep(0.01)


def test_heads_without_an_end_take_no_memory(product: Product, network: Network) -> None:
    """Without an account: 407 first, then header on the kept connection until it is closed."""
    before = product.worker_memory()
    with Client(product) as client:
        assert client.get(network.plain_url("allowed.test")).status == 407
        client.send(b"GET http://allowed.test/ HTTP/1.1\r\nX: ")
        with pytest.raises((ConnectionError, TimeoutError)):
            pour(client)
    assert product.worker_memory() - before < 20 * 2**20
