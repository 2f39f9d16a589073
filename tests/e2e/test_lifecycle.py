"""Processes end and begin while clients go on asking: nobody is refused, and no record is lost or doubled."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proxy.tenure import in_charge
from tests.e2e.load import Load
from tests.e2e.product import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.network import Network
    from tests.e2e.product import Product

STARTED = 60  # seconds, far above what it takes


@pytest.fixture
def upgraded(own_product: Product) -> Iterator[Product]:
    """A running filter whose supervisor may be replaced: what is in charge at the end is ended."""
    yield own_product
    successor = in_charge(own_product.state)
    if successor is not None and successor.pid != own_product.process.pid:
        os.kill(successor.pid, signal.SIGTERM)
        wait_for(lambda: not alive(successor.pid), STARTED, "the successor to end", lambda: own_product.output)
    assert "Traceback" not in own_product.output, own_product.output


def alive(pid: int) -> bool:
    """A process that has ended but was not waited for is not alive."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def workers(product: Product) -> list[int]:
    return [each["pid"] for each in json.loads((product.state / "run" / "status.json").read_text())["workers"]]


def nothing_lost(load: Load) -> None:
    """No connection was refused or broken off, no record is missing, none is there twice."""
    assert (load.refused, load.broken) == ([], [])
    assert set(load.statuses()) == {200}
    assert load.recorded() == Counter(each.path for each in load.answered)


def test_an_upgrade_under_load_refuses_nobody(upgraded: Product, network: Network) -> None:
    product = upgraded
    before, old = in_charge(product.state).pid, workers(product)
    with Load.of(product, network, 50, anew=6) as load:
        product.done("upgrade")
        assert in_charge(product.state).pid != before
        assert product.ended() == 0, product.output
        time.sleep(2)
    nothing_lost(load)
    wait_for(lambda: not any(alive(pid) for pid in old), STARTED, "the old workers to end")
    assert not set(old) & set(workers(product))
