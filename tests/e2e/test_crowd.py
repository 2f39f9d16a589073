"""Idle connections, slow heads, rapid resets, endless heads: others are served, and what it took comes back."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from tests.endurance.crowd import endless_head, idle, in_background, latencies, rapid_resets, room_for, slow_heads
from tests.endurance.measure import Sample, sample, workers

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product

MEBIBYTE = 2**20
SERVED_SECONDS = 8.0  # anybody's longest wait beside all this; half a second is usual on a busy machine


def crowd(product: Product, network: Network, connections: int) -> tuple[list[float], list[Sample]]:
    """What one person waits beside it, and what the workers hold a moment after it has gone."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(idle(product, network, connections))
        for work in (slow_heads(connections // 10), rapid_resets, endless_head):
            stack.enter_context(in_background(product, network, work))
        times = latencies(product, network, 200)
    time.sleep(3)
    return times, sample(workers(product))


def test_others_are_served_and_what_it_took_comes_back(own_product: Product, network: Network) -> None:
    room_for(6000)
    latencies(own_product, network, 50)
    before = sample(workers(own_product))
    times, after = crowd(own_product, network, 5000)
    assert times[-1] < SERVED_SECONDS
    _, again = crowd(own_product, network, 2000)
    assert [each.pid for each in again] == [each.pid for each in before]
    for first, second, third in zip(before, after, again, strict=True):
        assert third.descriptors - first.descriptors < 20
        assert second.resident - first.resident < 160 * MEBIBYTE
        assert third.resident - second.resident < 24 * MEBIBYTE, "memory of a crowd that has gone is not used again"
