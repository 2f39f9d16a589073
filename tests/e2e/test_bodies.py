"""Bodies in every frame: trailers, chunks that are none, empty pieces; between HTTP/1.1 and HTTP/2 on either side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.raw import Client, credentials, tunnel
from tests.e2e.raw_h2 import exchange, head

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product

ORIGINS = pytest.mark.parametrize("zone", ["older.test", "allowed.test"], ids=["HTTP/1.1 origin", "HTTP/2 origin"])
SUM = "0\r\nX-Sum: of the request\r\n\r\n"


@ORIGINS
def test_trailers_from_an_http1_client(product: Product, network: Network, zone: str) -> None:
    host = network.fresh(zone)
    with Client(product) as client:
        target = tunnel(client, network, host)
        request = f"POST /trailers/70000 HTTP/1.1\r\nHost: {target}\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n"
        client.send(f"{request}\r\n5\r\nhello\r\n{SUM}")
        answer = client.response()
        assert (answer.status, len(answer.body)) == (200, 70000)
        assert client.inside(target).status == 200, "the connection is good for another request"
    [seen, _] = [seen for seen in network.origins[zone].requests if seen.host.startswith(host)]
    assert (seen.body_bytes, seen.trailers) == (5, ())
    row = product.recorded(host=host, path="/trailers/70000", event="end")[0]
    assert (row["bytes_in"], row["bytes_out"], row["status"], row["outcome"]) == (5, 70000, 200, "ok")


@ORIGINS
def test_trailers_from_an_http2_client(product: Product, network: Network, zone: str) -> None:
    host, through = network.fresh(zone), zone == "allowed.test"
    with Client(product) as client:
        target = tunnel(client, network, host, "h2")
        asked = head(target, "/trailers/700", "POST", (b"te", b"trailers"))
        answer = exchange(client, asked, [b"hello"], [(b"x-sum", b"of the request")])
    assert (answer.status, len(answer.body), answer.whole) == (200, 700, True)
    assert answer.trailers == ({"x-sum": "of the answer"} if through else {})
    [seen] = [seen for seen in network.origins[zone].requests if seen.host.startswith(host)]
    assert (seen.body_bytes, seen.trailers) == (5, (("x-sum", "of the request"),) if through else ())
    [row] = product.recorded(host=host)
    assert (row["bytes_in"], row["bytes_out"], row["status"], row["outcome"]) == (5, 700, 200, "ok")


@ORIGINS
def test_an_empty_piece_is_not_the_end_of_a_body(product: Product, network: Network, zone: str) -> None:
    """Written as a chunk it would be, and what follows it the next request."""
    host = network.fresh(zone)
    with Client(product) as client:
        target = tunnel(client, network, host, "h2")
        answer = exchange(client, head(target, "/upload", "POST"), [b"hel", b"", b"lo"])
    assert answer.status == 200
    assert [seen.body_bytes for seen in network.origins[zone].requests if seen.host.startswith(host)] == [5]
    [row] = product.recorded(host=host)
    assert (row["bytes_in"], row["status"]) == (5, 200)


BAD_CHUNKS = {
    "a size that is none": b"five\r\nhello\r\n",
    "no CRLF behind a chunk": b"5\r\nhelloX0\r\n\r\n",
    "an overlong extension": b"5;" + b"x" * 5000 + b"\r\nhello\r\n0\r\n\r\n",
    "a trailer that is none": b"5\r\nhello\r\n0\r\nGET /bad HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("place", ["plain", "HTTP/1.1 origin", "HTTP/2 origin"])
def test_chunks_of_a_client_that_are_none(product: Product, network: Network, place: str) -> None:
    zone = "allowed.test" if place == "HTTP/2 origin" else "older.test"
    host = network.fresh(zone)
    for name, sent in BAD_CHUNKS.items():
        with Client(product) as client:
            if place == "plain":
                start = f"POST {network.plain_url(host, '/upload')} HTTP/1.1\r\n{credentials('ana')}"
            else:
                tunnel(client, network, host)
                start = "POST /upload HTTP/1.1\r\n"
            client.send(f"{start}Host: {host}:{network.tls_port}\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + sent)
            answer = client.response()
            assert (answer.status, "proxy-status" in answer.headers) == (400, True), name
            assert client.rest() == b"", name
    rows = product.recorded(len(BAD_CHUNKS), host=host)
    assert {(row["action"], row["reason"], row["status"], row["user"], row["method"]) for row in rows} == {
        ("block", "protocol.malformed", 400, "ana", "POST")
    }
    assert not [seen for seen in network.origins[zone].requests if seen.host.startswith(host)]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", [200, 204, 304])
@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
def test_answers_without_a_body(product: Product, network: Network, alpn: str, status: int, method: str) -> None:
    host = network.fresh("older.test")
    with Client(product) as client:
        target = tunnel(client, network, host, alpn)
        if alpn == "h2":
            answer = exchange(client, head(target, f"/status/{status}", method))
            assert (answer.status, answer.body, answer.whole) == (status, b"", True)
        else:
            for _ in range(2):
                client.send(f"{method} /status/{status} HTTP/1.1\r\nHost: {target}\r\n\r\n")
                assert client.response(method=method).status == status
    rows = product.recorded(1 if alpn == "h2" else 2, host=host)
    assert {(row["status"], row["bytes_out"], row["outcome"]) for row in rows} == {(status, 0, "ok")}


@ORIGINS
def test_fields_of_one_connection_reach_nobody_else(product: Product, network: Network, zone: str) -> None:
    host = network.fresh(zone)
    with Client(product) as client:
        target = tunnel(client, network, host)
        mine = (
            "Connection: X-Mine, Upgrade, HTTP2-Settings\r\nX-Mine: 1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
        )
        answer = client.inside(target, "/hop", mine)
    assert (answer.status, answer.text) == (200, "hop")
    assert not {"connection", "keep-alive", "upgrade", "x-secret" if zone == "older.test" else ""} & set(answer.headers)
    [seen] = [seen for seen in network.origins[zone].requests if seen.host.startswith(host)]
    assert not {"connection", "x-mine", "upgrade", "http2-settings", "te"} & set(dict(seen.headers))
