"""A client that does not read must not fill the filter's memory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.raw import Client, Http2Client, credentials

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product

MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize("zone", ["older.test", "allowed.test"], ids=["http/1.1 origin", "h2 origin"])
def test_a_stream_whose_window_stays_shut_is_not_buffered(own_product: Product, network: Network, zone: str) -> None:
    """Measured without the brake: 79 MB grew to 520 MB on a file of 400 MB."""
    product, host = own_product, network.fresh(zone)
    with Client(product) as client:
        assert client.connect(f"{host}:{network.tls_port}", credentials("ana")).status == 200
        client.start_tls(host, "h2")
        stream = Http2Client(client)
        stream.ask(f"{host}:{network.tls_port}", "/bytes/10")
        time.sleep(1)
        before = product.worker_memory()
        stream.ask(f"{host}:{network.tls_port}", f"/bytes/{200 * MEBIBYTE}")
        time.sleep(4)
        assert product.worker_memory() - before < 20 * MEBIBYTE
    assert [seen.path for seen in network.origins[zone].requests if seen.host.startswith(host)][1:] == [
        f"/bytes/{200 * MEBIBYTE}"
    ]
