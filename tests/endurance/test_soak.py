"""A short soak, and the ledger that it rests on."""

from __future__ import annotations

import pytest

from tests.endurance.ledger import Ledger
from tests.endurance.measure import Sample, grown, slope
from tests.endurance.soak import soak

ONE_OF_EACH = ("workers killed", "collectors killed", "swaps", "browser pages")


@pytest.mark.timeout(400)
def test_one_kill_of_each_and_a_swap_lose_nothing(tmp_path):
    """Some twenty seconds; a busy machine may take longer for it."""
    outcome = soak(tmp_path, seconds=200, kill_seconds=8, enough=ONE_OF_EACH)
    assert outcome.wrong == []
    assert outcome.balance.answered > 100
    assert [each for each in ONE_OF_EACH if not outcome.counts.get(each)] == []


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


def test_who_has_grown_is_named():
    steady = [Sample(1, 0, 100 * 2**20, 30), Sample(1, 9, 150 * 2**20, 60)]
    leaks = [Sample(2, 0, 100 * 2**20, 30), Sample(2, 9, 301 * 2**20, 71)]
    young = [Sample(3, 9, 900 * 2**20, 900)]
    assert grown([*steady, *leaks, *young], descriptors=40) == [
        "worker 2 holds 71 descriptors, 30 before",
        "worker 2 holds 301 MiB, 100 MiB before",
    ]


def test_a_slope_is_per_hour():
    assert slope([(0, 100.0), (1800, 101.0), (3600, 102.0)]) == pytest.approx(2.0)
    assert slope([(0, 5.0)]) == 0.0
