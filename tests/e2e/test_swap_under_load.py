"""A large list changes while the filter works: nobody sees an error, and what is open to a new entry is closed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from tests.e2e.load import Load
from tests.e2e.product import wait_for
from tests.e2e.raw import Client, credentials

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product

DOMAINS = 100_000  # bench/bench_swap.py has a million, and the figures
BLOCKS = 10  # seconds after the end of the command, far above the one or two that it takes
CLOSES = 10  # seconds after the swap; 3 are promised, polled for once a second, on a machine that is not busy
SLOWER = 10  # seconds a request may take longer on a busy machine; 0.1 is the aim, in the benchmark


def write_list(product: Product, version: int, *more: str) -> None:
    made_up = (f"d{number}.made-up-{number % 997}.test\n" for number in range(version, version + DOMAINS))
    entries = "".join(f"{host}\n" for host in more) + "".join(made_up)
    (product.folder / "lists" / "large.txt").write_text(entries)


def workers_at(product: Product) -> set[str]:
    status = json.loads((product.state / "run" / "status.json").read_text())
    return {worker["generation"] for worker in status["workers"]}


def websocket(product: Product, network: Network, host: str) -> Client:
    client = tunnel(product, network, host)
    client.start_tls(host)
    key = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    key += "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    assert client.inside(f"{host}:{network.tls_port}", "/echo-socket", key).status == 101
    return client


def tunnel(product: Product, network: Network, host: str) -> Client:
    client = Client(product)
    assert client.connect(f"{host}:{network.tls_port}", credentials("ana")).status == 200
    return client


def idle(product: Product, network: Network, host: str) -> Client:
    """An intercepted tunnel that has had its answer."""
    client = tunnel(product, network, host)
    client.start_tls(host)
    assert client.inside(f"{host}:{network.tls_port}", "/page").status == 200
    return client


def passed_through(product: Product, network: Network) -> Client:
    client = tunnel(product, network, "bank.test")
    client.start_tls("bank.test", trust=network.authority.file)
    assert client.inside(f"bank.test:{network.tls_port}").status == 200
    return client


def test_a_large_list_is_swapped_under_load(stopped_product: Product, product: Product, network: Network) -> None:
    shared, product = product, stopped_product
    shared.lend_accounts(product)
    write_list(product, 0)
    product.settings["lists"].append(
        {"name": "large", "format": "domains", "path": "lists/large.txt", "category": "gambling"}
    )
    product.write()
    product.start()
    echoing, quiet, kept = (network.fresh("older.test") for _ in range(3))
    opened = [websocket(product, network, echoing), idle(product, network, quiet), passed_through(product, network)]
    staying = idle(product, network, kept)
    with Load.of(product, network, rate=50) as load:
        time.sleep(3)
        changed = time.monotonic()
        write_list(product, 1, echoing, quiet, "bank.test")
        before = workers_at(product)
        assert product.command("lists", "update", seconds=120).returncode == 0
        ended = time.monotonic()
        wait_for(lambda: len(workers_at(product)) == 1 and workers_at(product) != before, BLOCKS, "both workers")
        for client in opened:
            with client:
                assert client.closed_within(CLOSES)
        print(f"closed {time.monotonic() - ended:.1f} s after the command")  # noqa: T201  # the promise, on this machine
        for host in (echoing, quiet):
            with Client(product) as client:
                assert client.get(network.plain_url(host), credentials("ana")).status == 403
        assert time.monotonic() - ended < BLOCKS + 3 * CLOSES
        with staying:
            assert staying.inside(f"{kept}:{network.tls_port}", "/still-open").status == 200
    assert (load.broken, load.refused, load.statuses().keys()) == ([], [], {200})
    calm = max(each.took for each in load.answered if each.at < changed)
    assert max(each.took for each in load.answered) < calm + SLOWER
    [row] = product.recorded(host=echoing, event="end")
    assert (row["outcome"], row["detail"]) == ("policy", "cut off: blocked by a later policy")
    product.stop()
