"""A worker whose own tasks fail ends, and another one takes its place: none lives on half."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.network import Network
from tests.e2e.product import wait_for
from tests.faults.places import TASKS, Kind
from tests.faults.stage import FaultyProduct

if TYPE_CHECKING:
    from collections.abc import Iterator

SILENT = 8.0  # seconds of silence that a worker may keep here: one is killed for it
NOBODY = ""  # the address of what no client has asked for
ENDING = [(place, kind) for place in TASKS for kind in place.kinds if kind is not Kind.HANG]
NAMES = [f"{place.sentence}: {kind}" for place, kind in ENDING]
ENDS = {Kind.SYNC_HANG: "; killing it"}
ENDED = "a part of this worker has died, so it ends"


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[FaultyProduct]]:
    """One filter a case, all running at once: what they wait for takes them some ten seconds."""
    network = Network.create(tmp_path_factory.mktemp("network"))
    made: list[FaultyProduct] = []
    try:
        for place, kind in ENDING:
            made.append(FaultyProduct.create(tmp_path_factory.mktemp("district"), network))
            made[-1].prepare({NOBODY: {place.name: kind.value}}, 1, SILENT).start()
        yield made
    finally:
        for product in made:
            product.kill()
        network.close()


@pytest.mark.parametrize("number", range(len(ENDING)), ids=NAMES)
def test_a_worker_that_lost_a_task_is_replaced(products: list[FaultyProduct], number: int) -> None:
    product, (place, kind) = products[number], ENDING[number]
    wait_for(lambda: ENDS.get(kind, ENDED) in product.output, 40, "the worker's end", lambda: product.output)
    wait_for(lambda: "starting it again" in product.output, 40, "another worker", lambda: product.output)
    assert (NOBODY, place.name) in product.fired()
