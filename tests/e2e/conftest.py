"""One network for the session, one running filter for most tests, and a filter of its own where a test ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from proxy.identity import accounts_file
from tests.e2e.browser import open_browser, trusting_home
from tests.e2e.http2_peer import peer
from tests.e2e.network import Network
from tests.e2e.product import PASSWORDS, Product
from tests.e2e.raw import Client, credentials

#: What each worker carries once before a test looks at its memory, in bytes.
WARM = 4 * 2**20

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from playwright.async_api import Browser


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    network = Network.create(tmp_path_factory.mktemp("network"))
    yield network
    network.close()


@pytest.fixture(scope="session")
def product(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The filter that most tests share: users ana and ben may pass, gone is disabled."""
    product = Product.create(tmp_path_factory.mktemp("district"), network)
    product.open_accounts(*PASSWORDS)
    accounts_file.disable(product.state / "accounts.json", "gone")
    yield from _running(product)


@pytest.fixture(scope="session")
def warm(product: Product, network: Network) -> Product:
    """A filter whose workers have allocated what they allocate once."""
    for zone in ("allowed.test", "older.test") * 4:
        host = network.fresh(zone)
        with peer(product, network, host) as client, Client(product) as other:
            assert client.get(f"/bytes/{WARM}").size == WARM
            assert other.connect(f"{host}:{network.tls_port}", credentials("ana")).status == 200
            other.start_tls(host)
            assert other.inside(f"{host}:{network.tls_port}", f"/bytes/{WARM}").status == 200
    return product


@pytest.fixture
def own_product(product: Product, tmp_path: Path) -> Iterator[Product]:
    """A running filter that the test may change or end, with the same accounts."""
    yield from _running(product.beside(tmp_path))


@pytest.fixture
def stopped_product(network: Network, tmp_path: Path) -> Iterator[Product]:
    """A district folder whose filter was never started."""
    product = Product.create(tmp_path, network)
    yield product
    product.kill()


def _running(product: Product) -> Iterator[Product]:
    try:
        product.start()
        yield product
        if product.process is not None and product.process.poll() is None:
            product.stop()
    finally:
        product.kill()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(product: Product, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    home = trusting_home(tmp_path_factory.mktemp("home"), product.authority)
    async with open_browser(home, product) as browser:
        yield browser
