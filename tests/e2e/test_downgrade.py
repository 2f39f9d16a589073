"""From HTTP/2 to an origin that has only HTTP/1.1: a body keeps its frame, and a request line stays one."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.e2e.product import PASSWORDS
from tests.e2e.raw import Client, Http2Client, credentials

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: blocked.test\r\n\r\n"


@pytest.mark.parametrize("zone", ["older.test", "allowed.test"], ids=["HTTP/1.1 origin", "HTTP/2 origin"])
def test_a_body_without_a_length_is_a_body(product: Product, network: Network, zone: str) -> None:
    host = network.fresh(zone)
    proxy = ["--proxy", f"http://127.0.0.1:{product.port}", "--proxy-user", f"ana:{PASSWORDS['ana']}", "--noproxy", ""]
    upload = ["--http2", "-X", "POST", "-T", "-", "--cacert", str(product.authority), "-sS", "--max-time", "30"]
    command = ["curl", *upload, *proxy, network.url(host, "/upload")]
    done = subprocess.run(command, input=SMUGGLED, capture_output=True, timeout=40, check=False)
    assert f'"bytes": {len(SMUGGLED)}'.encode() in done.stdout, done
    assert [seen.path for seen in network.origins[zone].requests if seen.host.startswith(host)] == ["/upload"]
    [row] = product.recorded(host=host)
    assert (row["method"], row["bytes_in"], row["status"]) == ("POST", len(SMUGGLED), 200)


@pytest.mark.parametrize("path", ["https://mixed.test/bad", "bad", "x/../bad", "*", "/bad HTTP/1.1 b"])
def test_a_path_that_is_none_reaches_nobody(product: Product, network: Network, path: str) -> None:
    target, before = f"mixed.test:{network.tls_port}", network.contacts()
    seen = len(product.records(reason="protocol.malformed"))
    with Client(product) as client:
        assert client.connect(target, credentials("ana")).status == 200
        client.start_tls("mixed.test", "h2")
        [answer] = Http2Client(client).get((target, path))
        assert answer.status == 400
    product.recorded(seen + 1, reason="protocol.malformed")
    assert network.contacts() == before


@pytest.mark.parametrize("path", ["/" + "./" * 4200 + "bad", "/x/.." * 2000 + "/bad", "/" + "%2e/" * 2100 + "bad"])
def test_a_long_way_to_a_blocked_path_is_blocked(product: Product, network: Network, path: str) -> None:
    target = f"mixed.test:{network.tls_port}"
    with Client(product) as client:
        assert client.connect(target, credentials("ana")).status == 200
        client.start_tls("mixed.test")
        assert client.inside(target, path).status == 403
