"""Who floods again and again has no HTTP/2 for a minute; anybody else has."""

from __future__ import annotations

import pytest

from proxy.flooding import Floods
from tests.proxy.clock import Clock

HERE, THERE = "10.1.2.3", "10.1.2.4"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def floods(clock):
    return Floods(clock)


def test_a_few_a_minute_are_borne_and_one_more_is_not(floods):
    assert [floods.count(HERE, 3) for _ in range(4)] == [False, False, False, True]
    assert HERE in floods
    assert THERE not in floods


def test_a_few_in_every_minute_are_borne_for_ever(floods, clock):
    for _ in range(100):
        assert not floods.count(HERE, 3)
        clock.now += 20.1
    assert HERE not in floods


def test_a_minute_later_it_is_over_and_begins_anew(floods, clock):
    for _ in range(4):
        floods.count(HERE, 3)
    clock.now += 59
    assert HERE in floods
    clock.now += 1
    assert HERE not in floods
    assert not floods.count(HERE, 3)


def test_connections_that_were_open_already_prolong_it(floods, clock):
    for _ in range(4):
        floods.count(HERE, 3)
    clock.now += 30
    assert floods.count(HERE, 3)
    clock.now += 45
    assert HERE in floods


def test_what_is_kept_of_an_address_is_bounded(floods):
    for _ in range(1000):
        floods.count(HERE, 3)
    assert len(floods._ended.get(HERE)) == 3
    for number in range(11_000):
        floods.count(f"10.{number // 256}.{number % 256}.1", 1)
    assert len(floods._ended) == 10_000
