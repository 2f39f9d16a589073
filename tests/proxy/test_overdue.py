"""What waits too long is broken off, once and alone."""

from __future__ import annotations

import time

import pytest

from proxy.overdue import OVERDUE, break_off_overdue
from proxy.recording import Exchange, Recorder
from tests.proxy.test_recording import ALLOW, Sink, facts

CASES = {
    "no answer for too long": (100, 0, [OVERDUE]),
    "no more of an answer for too long": (100, 200, [OVERDUE]),
    "something came a moment ago": (1, 0, []),
    "a WebSocket": (100, 101, []),
}


@pytest.mark.parametrize(("quiet", "status", "errors"), CASES.values(), ids=CASES.keys())
def test_an_exchange(quiet, status, errors):
    exchange, told = Exchange(facts(), ALLOW), []
    exchange.moved, exchange.status = time.monotonic() - quiet, status
    exchange.break_off = told.append
    for _ in range(2):
        break_off_overdue([exchange], 60.0)
    assert told == errors


def test_an_exchange_without_an_origin_and_one_that_moves():
    without, moving, told = Exchange(facts(), ALLOW), Exchange(facts(), ALLOW), []
    without.moved = moving.moved = 0.0
    moving.break_off = told.append
    Recorder(Sink()).moves(moving)
    break_off_overdue([without, moving], 60.0)
    assert told == []
