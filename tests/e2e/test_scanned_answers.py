"""Answers that are judged by what they are: none in part before its verdict, and none held that has to flow."""

from __future__ import annotations

import gzip
import json
import time
from typing import TYPE_CHECKING

import brotli
import pytest

from proxy.replaced.holding import HOLD_SECONDS
from tests.e2e import pages
from tests.e2e.http2_peer import peer
from tests.e2e.pages import Said
from tests.e2e.product import wait_for
from tests.e2e.raw import Client, Http2Client, tunnel
from tests.e2e.raw_h2 import exchange, head

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product

TORRENT = b"d8:announce21:http://tracker.test/a4:infod6:lengthi5e4:name1:a12:piece lengthi16384e6:pieces20:" + (
    b"\x11" * 20 + b"ee"
)
PROTOCOLS = pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
ZONES = pytest.mark.parametrize("zone", ["older.test", "allowed.test"], ids=["from HTTP/1.1", "from HTTP/2"])


def asked(product: Product, network: Network, host: str, said: Said, protocol: str, number: str) -> tuple[int, bytes]:
    """Status and body of what comes back where `host` says this."""
    path = f"/said/{host}-{number}"
    pages.SAID[f"{host}-{number}"] = said
    with Client(product) as client:
        target = tunnel(client, network, host, protocol)
        answered = Http2Client(client).get((target, path))[0] if protocol == "h2" else client.inside(target, path)
    return answered.status, answered.body


PE = b"MZ\x90\x00\x03" + bytes(200)
PAC = b"function FindProxyForURL(url, host) { return 'PROXY proxy.test:1'; }"

REFUSED = {
    "a program that says it is a picture": (Said((PE, b"more"), type="image/png"), "download.program"),
    "a program of a length": (Said((PE,), type="application/octet-stream", length=True), "download.program"),
    "a PAC file in brotli, in pieces": (
        Said(tuple(bytes([byte]) for byte in brotli.compress(PAC)), (("content-encoding", "br"),), "text/plain"),
        "bypass.proxy-configuration",
    ),
    "a web proxy's worker": (Said((b"self.__uv", b"$config = {}"), type="text/javascript"), "bypass.web-proxy"),
    "a part that hides its beginning": (
        Said((b"x" * 98,), (("content-range", "bytes 2-99/100"),), "text/plain", 206),
        "bypass.range",
    ),
    "a part that nobody asked for": (
        Said((b"x" * 98,), (("content-range", "bytes 4096-4193/9999"),), "application/octet-stream", 206),
        "bypass.range",
    ),
    "an unknown coding": (Said((b"xyzzy",), (("content-encoding", "dcb"),), "text/html"), "bypass.encoding"),
    "a bomb": (
        Said((gzip.compress(bytes(64 * 2**20)),), (("content-encoding", "gzip"),), "text/html"),
        "bypass.encoding",
    ),
    "a torrent by its type": (Said((b"xyz",), type="application/x-bittorrent"), "p2p.bittorrent"),
    "a torrent that says it is text": (Said((TORRENT,), type="text/plain"), "p2p.bittorrent"),
    "a torrent byte by byte": (Said(tuple(bytes([byte]) for byte in TORRENT)), "p2p.bittorrent"),
    "a torrent of a length, in gzip": (
        Said((gzip.compress(TORRENT),), (("content-encoding", "gzip"),), "text/html", length=True),
        "p2p.bittorrent",
    ),
}


@ZONES
@PROTOCOLS
def test_the_page_comes_and_not_a_byte_of_the_origin(
    product: Product, network: Network, zone: str, protocol: str
) -> None:
    host = network.fresh(zone)
    seen = {
        name: asked(product, network, host, said, protocol, str(number))
        for number, (name, (said, _)) in enumerate(REFUSED.items())
    }
    rows = {row["path"]: row for row in product.recorded(len(REFUSED), host=host)}
    for number, (name, (said, reason)) in enumerate(REFUSED.items()):
        status, body = seen[name]
        row = rows[f"/said/{host}-{number}"]
        assert (name, status, row["action"], row["reason"], row["status"]) == (name, 403, "block", reason, 403)
        assert row["bytes_out"] == len(body)
        assert not any(piece in body for piece in said.pieces if isinstance(piece, bytes) and len(piece) > 2)


@ZONES
@PROTOCOLS
def test_the_connection_goes_on_behind_a_refused_answer(
    product: Product, network: Network, zone: str, protocol: str
) -> None:
    host = network.fresh(zone)
    pages.SAID[host] = Said((TORRENT,))
    with Client(product) as client:
        target = tunnel(client, network, host, protocol)
        if protocol == "h2":
            http = Http2Client(client)
            statuses = [http.get((target, path))[0].status for path in (f"/said/{host}", "/page", f"/said/{host}")]
        else:
            statuses = [client.inside(target, path).status for path in (f"/said/{host}", "/page", f"/said/{host}")]
    assert statuses == [403, 200, 403]


PASS = {
    "a page": Said((b"<!doctype html><title>a</title>", b"<p>b</p>"), type="text/html"),
    "a page of 2 MB": Said((b"<!doctype html><title>a</title>", *(b"<p>word</p>" * 6000,) * 32), type="text/html"),
    "an empty answer": Said((), type="text/html"),
    "one byte": Said((b"d",), type="text/plain"),
    "a script with a length": Said((b"let a = 1;",), type="text/javascript", length=True),
    "a coded page": Said((gzip.compress(b"<p>hello"),), (("content-encoding", "gzip"),), "text/html", length=True),
}


@ZONES
@PROTOCOLS
def test_what_is_held_goes_on_whole(product: Product, network: Network, zone: str, protocol: str) -> None:
    host = network.fresh(zone)
    for number, (name, said) in enumerate(PASS.items()):
        came = asked(product, network, host, said, protocol, str(number))
        assert (name, *came) == (name, 200, b"".join(said.pieces))
    rows = product.recorded(len(PASS) + 1, host=host)  # what is large has two
    assert {(row["reason"], row["status"]) for row in rows} == {("default", 200)}


DRIPS = {
    "an event stream": Said((b"data: one\n\n", "drip", b"data: two\n\n"), type="text/event-stream"),
    "JSON lines": Said((b'{"a": 1}\n', "drip", b'{"a": 2}\n'), type="application/x-ndjson"),
    "a film": Said((b"\x00\x00\x00\x18ftypmp42", "drip", bytes(100)), type="video/mp4"),
    "a page that drips": Said((b"<!doctype html><p>one", "drip", b"<p>two"), type="text/html"),
}


@ZONES
@pytest.mark.parametrize("said", DRIPS.values(), ids=DRIPS)
def test_what_flows_is_seen_before_its_end(product: Product, network: Network, zone: str, said: Said) -> None:
    host = network.fresh(zone)
    gate = f"drip-{host}"
    first, _, last = said.pieces
    pages.SAID[host] = Said((first, gate, last), said.headers, said.type)
    with Client(product) as client:
        target = tunnel(client, network, host)
        client.send(f"GET /said/{host} HTTP/1.1\r\nHost: {target}\r\n\r\n")
        seen = b""
        while first not in seen:
            seen += client.read()
        assert last not in seen
        network.runner.gate.release(gate)
        while not seen.endswith(b"0\r\n\r\n"):
            seen += client.read()
        assert last in seen


@ZONES
@PROTOCOLS
def test_what_is_found_behind_what_was_held_is_cut_off(
    product: Product, network: Network, zone: str, protocol: str
) -> None:
    host = network.fresh(zone)
    first, gate = b"data: one\n\n", f"later-{host}"
    pages.SAID[host] = Said((first, gate, PAC, b"end"), type="text/event-stream")
    with Client(product) as client:
        target = tunnel(client, network, host, protocol)
        if protocol == "h2":
            network.runner.gate.release(gate)
            came = exchange(client, head(target, f"/said/{host}"))
            assert not came.whole
            assert first.startswith(came.body)
        else:
            client.send(f"GET /said/{host} HTTP/1.1\r\nHost: {target}\r\n\r\n")
            seen = b""
            while first not in seen:
                seen += client.read()
            network.runner.gate.release(gate)
            seen += client.rest()
            assert b"FindProxy" not in seen
            assert not seen.endswith(b"0\r\n\r\n")
    row = product.recorded(1, host=host)[-1]
    assert (row["action"], row["reason"], row["status"]) == ("block", "bypass.proxy-configuration", 200)
    assert "cut off" in row["detail"]


@ZONES
def test_an_origin_that_waits_behind_one_byte_is_waited_for(product: Product, network: Network, zone: str) -> None:
    host = network.fresh(zone)
    gate = f"one-{host}"
    pages.SAID[host] = Said((PE[:1], gate, PE[1:]), type="application/octet-stream")
    with Client(product) as client:
        target = tunnel(client, network, host)
        client.send(f"GET /said/{host} HTTP/1.1\r\nHost: {target}\r\n\r\n")
        time.sleep(HOLD_SECONDS * 1.25)  # until it would have been judged by its one byte
        network.runner.gate.release(gate)
        assert client.read().startswith(b"HTTP/1.1 403")
    (row,) = (row for row in product.recorded(2, host=host) if row["event"] == "end")  # it took long enough for two
    assert (row["action"], row["reason"]) == ("block", "download.program")


@PROTOCOLS
def test_a_client_that_leaves_while_its_answer_is_held_leaves_nothing_behind(
    product: Product, network: Network, protocol: str
) -> None:
    host = network.fresh("allowed.test")
    gate = f"left-{host}"
    pages.SAID[host] = Said((b"<p>word", gate, b"<p>more"), type="text/html")
    with Client(product) as client:
        target = tunnel(client, network, host, protocol)
        if protocol == "h2":
            Http2Client(client).ask(target, f"/said/{host}")
        else:
            client.send(f"GET /said/{host} HTTP/1.1\r\nHost: {target}\r\n\r\n")
        wait_for(lambda: f"/said/{host}" in network.origins["allowed.test"].paths(), 10, "the request")
    row = product.recorded(1, host=host)[-1]
    time.sleep(HOLD_SECONDS)  # when it would have been judged
    network.runner.gate.release(gate)
    assert (row["action"], row["bytes_out"], row["outcome"] != "ok") == ("allow", 0, True)
    assert "crashed" not in product.output


@ZONES
def test_alt_svc_goes_nowhere(product: Product, network: Network, zone: str) -> None:
    host = network.fresh(zone)
    pages.SAID[host] = Said((b"<p>word",), (("alt-svc", 'h3=":443"'),), "text/html")
    with Client(product) as client:
        answered = client.inside(tunnel(client, network, host), f"/said/{host}")
    assert (answered.status, "alt-svc" in answered.headers) == (200, False)


@ZONES
def test_an_origin_is_asked_for_codings_that_can_be_read(product: Product, network: Network, zone: str) -> None:
    host = network.fresh(zone)
    with Client(product) as client:
        target = tunnel(client, network, host)
        answered = client.inside(target, "/headers", "Accept-Encoding: gzip, br, dcb, *;q=0.1\r\n")
    assert json.loads(answered.body)["accept-encoding"] == "gzip, br"


@ZONES
def test_a_download_of_200_mb_streams(warm: Product, network: Network, zone: str) -> None:
    host, size = network.fresh(zone), 200 * 2**20
    before = warm.worker_memory()
    with peer(warm, network, host) as client:
        stream = client.ask(f"/bytes/{size}")
        client.until(lambda: client.streams[stream].ended, 120)
        assert client.streams[stream].size == size
    assert warm.worker_memory() - before < 20 * 2**20
