"""Kills, hangs and full disks under load: each answer that a client had whole is in the log, once."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.e2e.load import Load, locked_out
from tests.e2e.product import READY_SECONDS, wait_for
from tests.e2e.raw import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.e2e.network import Network
    from tests.e2e.product import Product

GAP = 10  # seconds without any answer that would be "nobody serves": far above what is measured


def assert_nothing_lost(load: Load) -> None:
    decisions, ends = load.recorded(), load.decisions("end")
    assert load.statuses().keys() == {200}
    assert [path for path, count in (*decisions.items(), *ends.items()) if count != 1] == []
    assert ends.keys() <= decisions.keys()
    assert decisions.keys() <= {each.path for each in load.answered} | set(load.broken)


def all_at_work(product: Product, gone: set[int]) -> bool:
    """Two workers that accept, and a collector, none of them among the killed."""
    status = json.loads((product.state / "run" / "status.json").read_text())
    accepting = {worker["pid"] for worker in status["workers"]} - gone
    return len(accepting) == 2 and bool(set(product.children("usage_log.collector")) - gone)


def kill(pids: list[int]) -> None:
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("victims", "may_break"),
    [
        ({"usage_log.collector": 1}, 0),
        ({"proxy.worker": 1}, 1),
        ({"usage_log.collector": 1, "proxy.worker": 1}, 1),
    ],
    ids=["the collector", "one worker of two", "both at once"],
)
def test_a_kill_under_load_loses_no_record_and_doubles_none(
    own_product: Product, network: Network, victims: dict[str, int], may_break: bool
) -> None:
    product = own_product
    with Load.of(product, network) as load:
        for _ in range(2):
            killed = [pid for module, count in victims.items() for pid in product.children(module)[:count]]
            kill(killed)
            wait_for(lambda gone=set(killed): all_at_work(product, gone), READY_SECONDS, "what was killed to be back")
            time.sleep(1.5)
    assert load.longest_gap() < GAP
    assert bool(load.broken) <= bool(may_break)
    assert_nothing_lost(load)


def test_a_kill_of_everything_loses_nothing_that_was_answered(own_product: Product, network: Network) -> None:
    """Every process at once, as when the kernel runs out of memory; the next start stores what lies in the spool."""
    product = own_product
    with Load.of(product, network) as load:
        time.sleep(1)
        collector = product.children("usage_log.collector")
        os.kill(collector[0], signal.SIGSTOP)  # so that much is left in the spool
        time.sleep(1.5)
        workers = product.children("proxy.worker")
        kill([product.process.pid, *workers, *collector])
        wait_for(lambda: bool(load.broken or load.refused), SECONDS, "the clients to see it")
    product.process.wait(10)
    assert load.missing()
    product.start()
    assert_nothing_lost(load)


@contextmanager
def stopped(product: Product) -> Iterator[None]:
    [collector] = product.children("usage_log.collector")
    os.kill(collector, signal.SIGSTOP)
    yield
    os.kill(collector, signal.SIGCONT)


@pytest.mark.parametrize("hindered", [stopped, locked_out])
def test_a_collector_that_cannot_store_blocks_nobody_and_catches_up(
    own_product: Product, network: Network, hindered: Callable[[Product], AbstractContextManager[None]]
) -> None:
    product = own_product
    with Load.of(product, network) as load:
        with hindered(product):
            time.sleep(6)
            assert load.missing()
        assert load.longest_gap() < GAP
    assert load.broken == load.refused == []
    assert_nothing_lost(load)
