"""A short soak, and the ledger that it rests on."""

from __future__ import annotations

import pytest

from tests.endurance.ledger import Ledger
from tests.endurance.measure import slope
from tests.endurance.soak import soak


def test_half_a_minute_with_a_kill_loses_nothing(tmp_path):
    outcome = soak(tmp_path, seconds=30, kill_seconds=8)
    assert outcome.wrong == []
    assert outcome.balance.answered > 100
    assert outcome.counts["workers killed"] >= 1
    assert outcome.counts["collectors killed"] >= 1
    assert outcome.counts["swaps"] >= 1
    assert outcome.counts["browser pages"] >= 1


def row(path, event="decision"):
    return {"path": path, "event": event}


LEDGERS = {
    "each once": ([row("/a/1"), row("/a/2")], [], []),
    "an end is no second decision": ([row("/a/1"), row("/a/1", "end"), row("/a/2")], [], []),
    "one is lost": ([row("/a/1")], ["/a/2"], []),
    "an end alone is a lost decision": ([row("/a/1"), row("/a/2", "end")], ["/a/2"], []),
    "one is doubled": ([row("/a/1"), row("/a/1"), row("/a/2")], [], ["/a/1"]),
    "what was cut may stand there": ([row("/a/1"), row("/a/2"), row("/cut")], [], []),
}


@pytest.mark.parametrize(("records", "lost", "doubled"), LEDGERS.values(), ids=LEDGERS.keys())
def test_a_ledger_finds_what_is_missing(records, lost, doubled):
    ledger = Ledger()
    for path in ("/a/1", "/a/2"):
        ledger.answered(path)
    balance = ledger.balance(records)
    assert (balance.answered, balance.lost, balance.doubled) == (2, lost, doubled)


def test_a_slope_is_per_hour():
    assert slope([(0, 100.0), (1800, 101.0), (3600, 102.0)]) == pytest.approx(2.0)
    assert slope([(0, 5.0)]) == 0.0
