"""Requests that are a way round the filter: the block page, one record, and not a word to the origin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from proxy.reasons import title_of
from tests.e2e.raw import Client, credentials, tunnel
from tests.e2e.raw_h2 import exchange, head
from tests.proxy.detectors.test_dns_message import QUERY

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product

UV = "/service/hvtrs8%2F-afwlv%2Ctgqt%2F"
BARE = {"X-Bare-URL": "https://adult.test/", "X-Bare-Headers": "{}"}
SOCKET = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
KEY = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}

#: Method, path, fields and reason.
REFUSED = {
    "DoH in the address": ("GET", "/x?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB", {}, "bypass.encrypted-dns"),
    "dns-json": ("GET", "/x?name=a.test", {"Accept": "application/dns-json"}, "bypass.encrypted-dns"),
    "Oblivious HTTP": ("POST", "/", {"Content-Type": "message/ohttp-req", "Content-Length": "3"}, "bypass.relay"),
    "MASQUE": ("GET", "/.well-known/masque/udp/192.0.2.6/443/", {}, "bypass.masque"),
    "an unknown method": ("TUNNEL", "/", {}, "bypass.method"),
    "Ultraviolet": ("GET", UV, {}, "bypass.web-proxy"),
    "a bare server": ("GET", "/bare/v3/", BARE, "bypass.web-proxy"),
}
UPGRADES = {
    "UDP over HTTP": ({"Connection": "Upgrade", "Upgrade": "connect-udp"}, "bypass.masque"),
    "an unknown protocol": ({"Connection": "Upgrade", "Upgrade": "x-mine"}, "bypass.upgrade"),
    "chisel": ({**SOCKET, **KEY, "Sec-WebSocket-Protocol": "chisel-v3"}, "bypass.websocket-tunnel"),
    "simple-obfs": ({**SOCKET, **KEY, "Content-Length": "168"}, "bypass.websocket-tunnel"),
}


def lines(fields: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items())


def reasons(product: Product, host: str, count: int) -> list[str]:
    """The reasons of all records of a host, which are blocks with status 403."""
    rows = product.recorded(count, host=host)
    assert {(row["action"], row["status"], row["user"]) for row in rows} == {("block", 403, "ana")}
    return sorted(row["reason"] for row in rows)


def test_over_http1(product: Product, network: Network) -> None:
    host, before = network.fresh("older.test"), network.contacts()
    for name, (method, path, fields, reason) in REFUSED.items():
        with Client(product) as client:
            target = tunnel(client, network, host)
            client.send(f"{method} {path} HTTP/1.1\r\nHost: {target}\r\nAccept: text/html\r\n{lines(fields)}\r\n")
            answer = client.response()
            assert (answer.status, title_of(reason) in answer.text) == (403, True), name
    assert reasons(product, host, len(REFUSED)) == sorted(reason for *_, reason in REFUSED.values())
    assert network.contacts() == before


def test_over_http2(product: Product, network: Network) -> None:
    host, before = network.fresh("allowed.test"), network.contacts()
    for name, (method, path, fields, _) in REFUSED.items():
        with Client(product) as client:
            target = tunnel(client, network, host, "h2")
            more = [(key.lower().encode(), value.encode()) for key, value in fields.items()]
            body = [b"abc"] if "Content-Length" in fields else None
            assert exchange(client, head(target, path, method, *more), body).status == 403, name
    assert reasons(product, host, len(REFUSED)) == sorted(reason for *_, reason in REFUSED.values())
    assert network.contacts() == before


def test_changes_of_protocol(product: Product, network: Network) -> None:
    host, before = network.fresh("older.test"), network.contacts()
    for name, (fields, _) in UPGRADES.items():
        with Client(product) as client:
            url = network.plain_url(host, "/echo-socket")
            client.send(f"GET {url} HTTP/1.1\r\nHost: x\r\n{credentials('ana')}{lines(fields)}\r\n")
            assert client.response().status == 403, name
    assert reasons(product, host, len(UPGRADES)) == sorted(reason for _, reason in UPGRADES.values())
    assert network.contacts() == before


PIECES = {
    "whole": [QUERY],
    "byte by byte": [QUERY[at : at + 1] for at in range(len(QUERY))],
    "with more behind": [QUERY + b"\0", b"and more"],
}


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
@pytest.mark.parametrize("framed", ["by its length", "in chunks"])
def test_a_dns_query_that_lies_about_its_type(
    product: Product, network: Network, framed: str, pieces: list[bytes]
) -> None:
    host, size = network.fresh("older.test"), sum(map(len, pieces))
    with Client(product) as client:
        target = tunnel(client, network, host)
        start = f"POST /upload HTTP/1.1\r\nHost: {target}\r\nAccept: text/html\r\nContent-Type: text/plain\r\n"
        if framed == "in chunks":
            client.send(f"{start}Transfer-Encoding: chunked\r\n\r\n")
            pieces = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces] + [b"0\r\n\r\n"]
        else:
            client.send(f"{start}Content-Length: {size}\r\n\r\n")
        for piece in pieces:
            client.send(piece)
        answer = client.response()
    assert (answer.status, "encrypted DNS" in answer.text) == (403, True)
    [row] = product.recorded(host=host)
    assert (row["action"], row["reason"], row["status"]) == ("block", "bypass.encrypted-dns", 403)
    assert len(QUERY) <= row["bytes_in"] <= size
    assert not any(each.body_bytes for each in network.origins["older.test"].requests if each.host.startswith(host))


@pytest.mark.parametrize("zone", ["older.test", "allowed.test"], ids=["HTTP/1.1 origin", "HTTP/2 origin"])
@pytest.mark.parametrize("sized", [True, False], ids=["of known length", "of unknown length"])
def test_a_dns_query_that_lies_about_its_type_over_http2(
    product: Product, network: Network, zone: str, sized: bool
) -> None:
    host = network.fresh(zone)
    with Client(product) as client:
        target = tunnel(client, network, host, "h2")
        length = ((b"content-length", b"%d" % len(QUERY)),) if sized else ()
        answer = exchange(client, head(target, "/upload", "POST", *length), [QUERY[:20], QUERY[20:]])
    assert answer.status == 403
    [row] = product.recorded(host=host)
    assert (row["action"], row["reason"], row["status"]) == ("block", "bypass.encrypted-dns", 403)
    assert not any(each.body_bytes for each in network.origins[zone].requests if each.host.startswith(host))


def test_bodies_that_begin_as_a_query_might_go_on_whole(product: Product, network: Network) -> None:
    bodies = [b"more" + QUERY, QUERY[:20], b'{"a": 1}', b"\0\0\0\0\5hello", b""]
    for protocol in ("http/1.1", "h2"):
        host = network.fresh("older.test" if protocol == "http/1.1" else "allowed.test")
        for body in bodies:
            with Client(product) as client:
                target = tunnel(client, network, host, protocol)
                if protocol == "h2":
                    answered = exchange(client, head(target, "/upload", "POST"), [body]).body
                else:
                    length = f"Content-Length: {len(body)}\r\n\r\n"
                    client.send(f"POST /upload HTTP/1.1\r\nHost: {target}\r\n{length}".encode() + body)
                    answered = client.response().body
            assert json.loads(answered)["bytes"] == len(body)
        product.recorded(len(bodies), host=host, action="allow", status=200)


def test_fields_that_name_another_address_stay_with_us(product: Product, network: Network) -> None:
    host = network.fresh("older.test")
    asked = {"X-Original-URL": "/bad", "X-Rewrite-URL": "/bad", "X-HTTP-Method-Override": "DELETE", "X-Other": "1"}
    asked |= {"X-Forwarded-Host": "mixed.test", "X-Forwarded-For": "192.0.2.1", "Via": "1.1 other"}
    with Client(product) as client:
        target = tunnel(client, network, host)
        told = json.loads(client.inside(target, "/headers", lines(asked)).body)
    told = {name.lower() for name in told}
    assert "x-other" in told
    assert not told & {"x-original-url", "x-rewrite-url", "x-http-method-override", "x-forwarded-host"}
    [row] = product.recorded(host=host)
    assert row["client"] == "127.0.0.1"


def test_offers_of_ordinary_clients_are_dropped_in_silence(product: Product, network: Network) -> None:
    host = network.fresh("older.test")
    with Client(product) as client:
        target = tunnel(client, network, host)
        for offered in ("h2c", "TLS/1.0", "HTTP/2.0, h2c"):
            answer = client.inside(target, "/headers", f"Connection: Upgrade\r\nUpgrade: {offered}\r\n")
            assert (answer.status, "upgrade" in {name.lower() for name in json.loads(answer.body)}) == (200, False)
    product.recorded(3, host=host, reason="default", status=200)


def test_other_methods_pass(product: Product, network: Network) -> None:
    host = network.fresh("older.test")
    with Client(product) as client:
        target = tunnel(client, network, host)
        for method in ("PATCH", "PROPFIND", "REPORT"):
            client.send(f"{method} /page HTTP/1.1\r\nHost: {target}\r\nContent-Length: 0\r\n\r\n")
            assert client.response().status == 200
    product.recorded(3, host=host, reason="default", status=200)


def test_a_name_that_hides_another(product: Product, network: Network) -> None:
    """The tunnel's own name would be an address.mismatch; this one says why it differs."""
    host, before = network.fresh("older.test"), network.contacts()
    with Client(product) as client:
        assert client.connect(f"{host}:{network.tls_port}", credentials("ana")).status == 200
        client.start_tls("cloudflare-ech.com")
        assert client.inside(f"{host}:{network.tls_port}").status == 403
    assert reasons(product, host, 1) == ["bypass.ech"]
    assert network.contacts() == before


def test_a_relay_is_refused_before_a_tunnel(product: Product, network: Network) -> None:
    before = network.contacts()
    with Client(product) as client:
        assert client.connect("mask.icloud.com:443", credentials("ana")).status == 403
    assert reasons(product, "mask.icloud.com", 1) == ["bypass.relay"]
    assert network.contacts() == before
