"""Fail closed, proved: every place x every way of failing x every protocol, through a real filter.

Nothing of the origin comes through, nothing hangs, one record says what happened, and the next client is served.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.pages import CHUNK
from tests.faults.cases import Seen
from tests.faults.conftest import Hung, Played, Row, rows
from tests.faults.places import ANSWERED, BLOCK, CLOSED, CUT, SETTLED, Kind
from tests.faults.stage import SECRET

if TYPE_CHECKING:
    from tests.faults.places import Ends

pytestmark = pytest.mark.timeout(300)  # the first test waits for all cases: some 40 s

HUNG = [row for row in rows() if row.kind is Kind.SYNC_HANG]
LIVING = [row for row in rows() if row.kind is not Kind.SYNC_HANG]

#: What an origin answers to "big" (tests/faults/cases.py).
BIG = (CHUNK * 5)[:300_000]

#: What the client may see, where that depends on which bytes had left when the fault came.
MAY_SEE = {CUT: (CUT, CLOSED), SETTLED: (ANSWERED, CUT, CLOSED)}


def ended(seen: Seen) -> Ends | str:
    """What the client saw, in the words of the table."""
    if seen.stuck:
        return "stuck"
    if seen.whole:
        return BLOCK if seen.status == 503 else ANSWERED
    return CUT if seen.status else CLOSED


@pytest.mark.parametrize("row", LIVING, ids=[row.sentence for row in LIVING])
def test_a_failure_is_a_block_or_the_end_of_the_connection(played: Played, row: Row) -> None:
    client, place, seen = row.case.client, row.place, played.seen[row.case.client]
    assert (client, place.name) in played.fired, "the fault was never reached, so this shows nothing"
    assert ended(seen) in MAY_SEE.get(place.ends, (place.ends,))
    if place.ends in (BLOCK, CLOSED):
        assert leaked(seen) == b""
    if place.ends is SETTLED:
        assert may_be_settled(seen)
    if not place.sent:
        assert played.begun[client] == 0, "a request was sent on"
        assert client.encode() not in played.heard, "bytes of a tunnel were sent on"
    reasons = played.reasons.get(client, [])
    assert place.is_told(reasons), (place.reasons, reasons)


@pytest.mark.parametrize("row", HUNG, ids=[row.sentence for row in HUNG])
def test_a_worker_that_hangs_is_killed_and_nothing_of_the_origin_has_passed(hung: Hung, row: Row) -> None:
    client, place, seen = row.case.client, row.place, hung.seen[row.case.client]
    assert (client, place.name) in hung.fired, "the fault was never reached, so this shows nothing"
    assert ended(seen) in {ANSWERED: (ANSWERED,), **MAY_SEE}.get(place.ends, (CLOSED,))
    if place.ends not in MAY_SEE:
        assert leaked(seen) == b""
    if place.ends is SETTLED:
        assert may_be_settled(seen)
    if not place.sent:
        assert hung.begun[client] == 0, "a request was sent on"
        assert client.encode() not in hung.heard, "bytes of a tunnel were sent on"
    assert len(hung.reasons.get(client, [])) <= max(place.records, 1)


def test_a_client_without_a_fault_is_served_while_workers_hang(hung: Hung) -> None:
    pairs = zip(HUNG, hung.after, strict=True)
    assert [(row.sentence, seen) for row, seen in pairs if seen.status != 200 or not seen.whole] == []


def test_every_worker_that_hung_was_killed(hung: Hung) -> None:
    assert hung.killed >= len(HUNG)


def test_the_table_would_notice_a_dispatcher_that_only_logs(mutated: dict[str, Seen]) -> None:
    """The mutation of a hook's failure back to what stock mitmproxy makes of it: the origin's bytes come through."""
    assert len(mutated) == 8
    assert {sentence: ended(seen) for sentence, seen in mutated.items() if ended(seen) is not ANSWERED} == {}


def may_be_settled(seen: Seen) -> bool:
    """True for the beginning of the origin's own answer to "big", which is whole only where it is all there."""
    begun = seen.status == 200 and BIG.startswith(seen.body) and seen.whole == (len(seen.body) == len(BIG))
    return begun or (seen.status == 0 and seen.body == b"" and not seen.whole)


SETTLED_CASES = {
    "all of it": (Seen(status=200, body=BIG, whole=True), True),
    "its beginning, cut": (Seen(status=200, body=BIG[:70_000]), True),
    "nothing": (Seen(closed=True), True),
    "its beginning, taken for whole": (Seen(status=200, body=BIG[:70_000], whole=True), False),
    "other bytes": (Seen(status=200, body=b"other" * 60_000, whole=True), False),
    "our page": (Seen(status=503, body=b"blocked", whole=True), False),
    "bytes without a head": (Seen(body=BIG[:10]), False),
}


@pytest.mark.parametrize(("seen", "may"), SETTLED_CASES.values(), ids=SETTLED_CASES)
def test_what_may_be_seen_of_an_answer_that_stands_in_the_log(seen: Seen, may: bool) -> None:
    assert may_be_settled(seen) is may


def leaked(seen: Seen) -> bytes:
    """Bytes of an origin among those that the client has got."""
    marks = (SECRET, b"this is allowed.test", bytes(range(64)))
    return next((mark for mark in marks if mark in seen.raw or mark in seen.body), b"")


def test_a_client_without_a_fault_is_served_behind_every_case(played: Played) -> None:
    pairs = zip(LIVING, played.after, strict=True)
    unserved = [(row.sentence, seen) for row, seen in pairs if seen.status != 200]
    assert unserved == []


def test_no_worker_has_died_of_it(played: Played) -> None:
    before, after = played.workers
    assert before == after
    assert len(before) == 2
