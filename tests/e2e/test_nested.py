"""A blocked site inside another address: refused with a page that says so, recorded with the inner site's list."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.e2e.raw import Client, Http2Client, credentials, tunnel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.network import Network
    from tests.e2e.product import Product

REASON = "bypass.nested-address"
TRANSLATED, OPEN = "blocked-test.translate.goog", "allowed-test.translate.goog"
BLOCKED = "https://blocked.test/page"
CODED = base64.urlsafe_b64encode(BLOCKED.encode()).decode().rstrip("=")


@pytest.fixture(scope="module", autouse=True)
def names(network: Network) -> Iterator[None]:
    """The translator's names, at addresses of origins of ours."""
    network.also |= dict.fromkeys((TRANSLATED, OPEN), "127.0.0.77")
    network.fresh("allowed.test")
    yield
    del network.also[TRANSLATED], network.also[OPEN]


def test_a_translated_page_gets_the_block_page_inside_its_tunnel(product: Product, network: Network) -> None:
    before, seen = network.contacts(), len(product.records(host=TRANSLATED))
    with Client(product) as client:
        target = tunnel(client, network, TRANSLATED)
        answer = client.inside(target, "/page?_x_tr_sl=en", "Accept: text/html\r\n")
    assert answer.status == 403
    assert "This address holds the address of another site." in answer.text
    assert "That site is listed as <strong>pornography</strong> by the list <strong>floor</strong>" in answer.text
    [row] = product.recorded(seen + 1, host=TRANSLATED)[seen:]
    assert (row["user"], row["action"], row["reason"], row["category"]) == ("ana", "block", REASON, "pornography")
    assert (row["list"], row["basis"], row["status"]) == ("floor", "board policy", 403)
    assert row["list_version"]
    assert network.contacts() == before


def test_a_translated_page_of_an_open_site_goes_on(product: Product, network: Network) -> None:
    seen = len(product.records(host=OPEN))
    with Client(product) as client:
        answer = client.get(network.plain_url(OPEN, "/page?_x_tr_sl=en"), credentials("ana"))
    assert answer.status == 200
    assert product.recorded(seen + 1, host=OPEN)[-1]["reason"] == "default"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/page?u=https%3A%2F%2Fblocked.test%2Fpage", 403),
        (f"/page?u={CODED}", 403),
        (f"/browse/{CODED}", 403),
        (f"/page?a={'x' * 5000}&u={CODED}", 403),
        ("/page?u=https%3A%2F%2Folder.test%2F", 200),
        ("/page?text=about+https%3A%2F%2Fblocked.test", 200),
    ],
    ids=["percent", "base64", "path", "beyond what facts keep", "an open site", "words"],
)
@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
def test_what_a_request_carries(product: Product, network: Network, path: str, status: int, alpn: str) -> None:
    host = network.fresh("allowed.test")
    with Client(product) as client:
        target = tunnel(client, network, host, alpn)
        answer = client.inside(target, path) if alpn == "http/1.1" else Http2Client(client).get((target, path))[0]
    assert answer.status == status
    [row] = product.recorded(host=host)
    assert (row["reason"], row["category"]) == ((REASON, "pornography") if status == 403 else ("default", None))
