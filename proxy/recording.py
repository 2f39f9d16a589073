"""Facts and verdict to DecisionRecord: the one place that says what is kept about a person.

An exchange is one request (or tunnel) between its first head and its last byte. Its final verdict is recorded once:
before the head of an answer of ours, and before the last byte of an origin's. What stays open is recorded earlier, and
a second row, `end`, with the same id and the totals, closes it (reference/engine.md, item 10; docs/decisions/0009).
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from proxy.facts import Stage
from usage_log.record import NO_LOG, DecisionRecord, unrecorded_row
from usage_log.spool import SpoolFull, new_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.facts import RequestFacts
    from proxy.verdict import Verdict

log = logging.getLogger(__name__)

#: A request that is still under way after this long is recorded without waiting for its end, in seconds.
OPEN_SECONDS = 1.0

#: So is a CONNECT that waits for the first request inside, which will speak for it, in seconds.
WAITING_SECONDS = 10.0

#: And whatever has moved more than this, in bytes of bodies: most answers are smaller, and stay one row.
OPEN_BYTES = 64 * 1024

#: Outcomes of what neither the client nor the origin ended, but we: its worker went away, a later policy or account
#: does not allow it, or nothing came for too long. Nobody is to be held to have left who was cut off.
DRAIN, POLICY, TIMEOUT = "drain", "policy", "timeout"

_DETAIL_CAP = 200


class Sink(Protocol):
    """Where records go: the worker's spool. Raises SpoolFull."""

    def append(self, record: DecisionRecord) -> None:
        """Write one record."""

    def append_sparing(self, record: DecisionRecord) -> None:
        """Write one record, unless the rest of the room is needed for what is under way."""

    def append_last(self, record: DecisionRecord) -> None:
        """Write one short record, into room that is kept for it."""


@dataclass(slots=True, eq=False)
class Exchange:
    """One request on its way: the counters change, the facts and the verdict are replaced whole."""

    facts: RequestFacts
    verdict: Verdict
    id: str = field(default_factory=new_id)
    started: float = field(default_factory=time.monotonic)
    status: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    length: int | None = None  # of the answer's body, where the origin announced it
    outcome: str = "ok"
    detail: str | None = None
    recorded: bool = False
    ended: bool = False
    moved: float = field(default_factory=time.monotonic)  # when a byte of it last came
    break_off: Callable[[str], None] | None = None  # ends it alone, with an error text; set while its origin is asked
    cut: Callable[[], None] | None = None  # closes what stays open past its verdict: a WebSocket, a spliced tunnel


class Recorder:
    """Writes every exchange's verdict once, and its end once."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._open: dict[Exchange, None] = {}
        self._undecided: dict[Exchange, None] = {}  # what is open and not yet recorded
        self._owed: dict[Exchange, None] = {}  # what has ended, and could not be recorded
        self._refused: Exchange | None = None  # the first request that has no room for a record of its own
        self._refused_count = 0

    @property
    def open(self) -> tuple[Exchange, ...]:
        """What is watched, oldest first: until both sides have ended, whether its end stands in the log or not."""
        return tuple(self._open)

    def begin(self, exchange: Exchange) -> None:
        """Watch an exchange until it ends."""
        self._open[exchange] = None
        if exchange.verdict.reason != NO_LOG:
            self._undecided[exchange] = None

    def decide(self, exchange: Exchange) -> None:
        """Record the verdict on what is about to stay open: its totals come with its end. Later calls do nothing.

        Raises SpoolFull.
        """
        if exchange.recorded or exchange.ended:
            return
        self._sink.append(replace(record_of(exchange, "decision"), bytes_in=0, bytes_out=0))
        exchange.recorded = True
        self._undecided.pop(exchange, None)

    def moves(self, exchange: Exchange) -> None:
        """Record what has to stand in the log before bytes that were just counted go on. Raises SpoolFull."""
        exchange.moved = time.monotonic()
        if exchange.length is not None and exchange.bytes_out >= exchange.length:
            self._settle(exchange)  # a client that knows the length has the whole answer once these bytes have left
        elif exchange.bytes_in + exchange.bytes_out > OPEN_BYTES:
            self.decide(exchange)

    def end(self, exchange: Exchange) -> None:
        """Record the exchange's verdict; or, where that was done while it was open, its end. Later calls do nothing.

        Raises SpoolFull; `tick` tries again once there is room.
        """
        self._settle(exchange)
        self._forget(exchange)

    def _settle(self, exchange: Exchange) -> None:
        """Record the end. What is watched stays so: its origin may have said all, and still not have ended."""
        if exchange.ended:
            return
        try:
            self._write_end(exchange)
        except SpoolFull:
            self._owe(exchange)
            raise
        exchange.recorded = exchange.ended = True
        self._undecided.pop(exchange, None)
        self._owed.pop(exchange, None)

    def _write_end(self, exchange: Exchange) -> None:
        record = record_of(exchange, "end" if exchange.recorded else "decision")
        if self._was_under_way(exchange):
            self._sink.append(record)
        else:
            self._sink.append_sparing(record)  # clients can ask for as many of these as they like

    def _was_under_way(self, exchange: Exchange) -> bool:
        return exchange in self._open and exchange.verdict.reason != NO_LOG

    def _owe(self, exchange: Exchange) -> None:
        """Keep what was under way, to record it later; of what we answered ourselves only the number."""
        if self._was_under_way(exchange):
            self._owed[exchange] = None
            return
        self._only_count(exchange)

    def _only_count(self, exchange: Exchange) -> None:
        exchange.ended = True
        self._forget(exchange)
        self._refused = self._refused or exchange
        self._refused_count += 1

    def yield_to_inner(self, exchange: Exchange) -> None:
        """Let a CONNECT's inner requests speak for it; where it stands in the log already, close it there."""
        if exchange.recorded:
            self.end(exchange)
        exchange.ended = True
        self._forget(exchange)

    def _forget(self, exchange: Exchange) -> None:
        exchange.break_off = exchange.cut = None
        for each in (self._open, self._undecided, self._owed):
            each.pop(exchange, None)

    def tick(self) -> None:
        """Record what has been open for long, and what could not be recorded before. Called once a second.

        Raises SpoolFull.
        """
        for exchange in list(self._owed):
            self.end(exchange)
        now = time.monotonic()
        for exchange in [each for each in self._undecided if now - each.started > _patience(each)]:
            self.decide(exchange)
        self._tell_refused(self._sink.append_sparing)

    def _tell_refused(self, write: Callable[[DecisionRecord], None]) -> None:
        """Record in one row how many requests the want of room left without a row of their own."""
        if self._refused is None:
            return
        facts, verdict = self._refused.facts, self._refused.verdict
        write(unrecorded_row(self._refused_count, _microseconds(facts.at), verdict.policy_revision))
        self._refused, self._refused_count = None, 0

    def end_all(self) -> None:
        """Record everything that is still open: the worker is going away. What finds no room is counted and said."""
        lost = 0
        for exchange in {**self._open, **self._owed}:
            exchange.outcome = DRAIN if exchange in self._open else exchange.outcome
            try:
                self.end(exchange)
            except SpoolFull:
                if exchange.recorded:
                    lost += 1  # its decision stands in the log, its end does not
                elif not exchange.ended:
                    self._only_count(exchange)
        try:
            self._tell_refused(self._sink.append_last)
        except SpoolFull:
            lost += self._refused_count
        if lost:
            log.error("the log has no room for %d last records", lost)


def _patience(exchange: Exchange) -> float:
    return WAITING_SECONDS if exchange.facts.stage is Stage.CONNECT else OPEN_SECONDS


def _microseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def record_of(exchange: Exchange, event: str) -> DecisionRecord:
    """Say what is kept: the path without its query, and no header, body or credential.

    Of a query, what was searched for, where the settings have that recorded.
    """
    facts, verdict = exchange.facts, exchange.verdict
    match = verdict.match
    return DecisionRecord(
        id=exchange.id,
        event=event,
        time=_microseconds(facts.at if event == "decision" else datetime.now(UTC)),
        user=facts.user,
        identity=facts.identity,
        client=facts.client,
        school=facts.school,
        device=None,
        method=facts.method,
        scheme=facts.scheme,
        host=facts.host,
        port=facts.port,
        path=facts.path,
        category=verdict.category,
        action=verdict.action.value,
        reason=verdict.reason,
        basis=verdict.basis.value if verdict.basis else None,
        list=match.list if match else None,
        list_version=match.list_version if match else None,
        unblock=verdict.unblock,
        policy_revision=verdict.policy_revision,
        status=exchange.status or (0 if verdict.forwards else verdict.status),  # 0: no answer ever came
        bytes_in=exchange.bytes_in,
        bytes_out=exchange.bytes_out,
        duration_ms=int((time.monotonic() - exchange.started) * 1000),
        intent=facts.intent.value,
        page=facts.page,
        outcome=exchange.outcome,
        detail=exchange.detail[:_DETAIL_CAP] if exchange.detail else None,
        search_terms=facts.search_terms,
    )
