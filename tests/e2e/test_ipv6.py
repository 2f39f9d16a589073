"""The same filter over IPv6: a listener on ::1, an origin on ::1, and the destinations that are refused there."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.e2e.network import free_port
from tests.e2e.product import PASSWORDS, Product

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.network import Network
    from tests.e2e.origins import Origin

SIX = "six.allowed.test"


@pytest.fixture(scope="module")
def origin(network: Network) -> Iterator[Origin]:
    """A plain origin on ::1, and a name that has only that address."""
    six = network.runner.listen("::1", network.plain_port)
    network.also[SIX] = "::1"
    network.fresh("allowed.test")  # writes the hosts again
    yield six
    del network.also[SIX]


@pytest.fixture(scope="module")
def six_product(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A filter that listens on ::1 alone and may reach ::1, and nothing else that is private."""
    own = Product.create(tmp_path_factory.mktemp("six"), network)
    decided = {"owner": "network office", "reason": "origin of the test", "since": "2026-11-01"}
    own.port = free_port("::1")
    own.settings["proxy"]["listen"] = [f"[::1]:{own.port}"]
    own.settings["proxy"]["private_networks"] = {"allow": [{"network": "::1/128", **decided}]}
    own.settings["schools"] = {"adams": ["::1/128"]}
    own.write()
    own.open_accounts("ana")
    own.start()
    yield own
    own.stop()


def status(product: Product, url: str) -> int:
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20", "--noproxy", ""]
    proxy = ["--proxy", f"http://[::1]:{product.port}", "--proxy-user", f"ana:{PASSWORDS['ana']}"]
    done = subprocess.run([*command, *proxy, url], capture_output=True, text=True, timeout=30, check=False)
    return int(done.stdout)


def test_a_client_and_an_origin_on_ipv6(six_product: Product, network: Network, origin: Origin) -> None:
    assert status(six_product, network.plain_url(SIX)) == 200
    [row] = six_product.recorded(host=SIX)
    assert (row["client"], row["school"], row["user"], row["status"]) == ("::1", "adams", "ana", 200)
    assert [seen.host for seen in origin.requests] == [f"{SIX}:{network.plain_port}"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("[::1]:{own}", "address.private"),
        ("[::ffff:127.0.0.1]:{plain}", "address.private"),
        ("[fe80::1]:{plain}", "address.private"),
        ("[fd00::1]:{plain}", "address.private"),
        ("[64:ff9b::7f00:1]:{plain}", "address.private"),
        ("[2001:db8::1]:{plain}", "address.literal"),
    ],
)
def test_an_address_that_is_never_dialled(
    six_product: Product, network: Network, origin: Origin, target: str, reason: str
) -> None:
    before, seen = origin.connections, len(six_product.records())
    url = f"http://{target.format(own=six_product.port, plain=network.plain_port)}/"
    assert status(six_product, url) == 403
    assert six_product.recorded(seen + 1)[-1]["reason"] == reason
    assert origin.connections == before
