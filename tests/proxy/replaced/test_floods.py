"""A peer that costs time without moving anything is told to calm down; one that works is left alone."""

from __future__ import annotations

import pytest
from h2.errors import ErrorCodes

from proxy.replaced.floods import Flood, Patience
from tests.proxy.clock import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def patience(clock):
    return Patience(200, clock)


def test_a_flood_at_once_is_one(patience):
    for _ in range(1000):
        patience.spend()
    with pytest.raises(Flood) as raised:
        patience.spend()
    assert raised.value.error_code is ErrorCodes.ENHANCE_YOUR_CALM


def test_the_same_over_minutes_is_none(patience, clock):
    for _ in range(20_000):
        clock.now += 0.01
        patience.spend()


def test_windows_that_open_for_what_was_sent_are_none(patience):
    """A client that opens both windows for every 16 KiB, at any speed."""
    for _ in range(20_000):
        patience.earn(16_384)
        patience.spend()
        patience.spend()


def test_windows_that_open_for_single_bytes_are_a_flood(patience):
    """CVE-2019-9511, "data dribble"."""
    for _ in range(1000):
        patience.earn(1)
        patience.spend()
    with pytest.raises(Flood):
        patience.spend()


def test_two_hundred_resets_a_minute_are_enough(patience, clock):
    for _ in range(200):
        clock.now += 0.29
        patience.reset()
    with pytest.raises(Flood, match="rapid reset"):
        patience.reset()


def test_resets_of_a_browser_that_scrolls_are_no_attack(patience, clock):
    for _ in range(2000):
        clock.now += 0.31
        patience.reset()
