from __future__ import annotations

from datetime import UTC, datetime

import pytest

from categories.taxonomy import Basis
from proxy.evaluate import error_verdict
from proxy.facts import Intent, RequestFacts, Stage
from proxy.overdue import OVERDUE, break_off_overdue
from proxy.recording import Exchange, Recorder, record_of
from proxy.verdict import Action, Match, Verdict
from usage_log.spool import SpoolFull

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def facts(**changes):
    return RequestFacts(
        **{
            "stage": Stage.REQUEST, "at": AT, "client": "10.1.2.3", "method": "GET", "scheme": "https",
            "host": "blocked.test", "port": 443, "path": "/a/b", "query": "q=secret", "user": "ana",
            "identity": "local", "school": "lincoln", "intent": Intent.NAVIGATE, "page": "start.test",
        }
        | changes
    )  # fmt: skip


BLOCK = Verdict(
    Action.BLOCK, "category.pornography", 7, "pornography", Basis.BOARD_POLICY,
    (Match("category.pornography", "pornography", "pornography", "ut1", "2026-11-22 ab", "adult/domains", 3, "b"),),
    status=403,
)  # fmt: skip
ALLOW = Verdict(Action.ALLOW, "default", 7)


class Sink:
    def __init__(self):
        self.records = []
        self.full = self.scarce = self.used_up = False

    def append(self, record):
        if self.full:
            raise SpoolFull("full")
        self.records.append(record)

    def append_sparing(self, record):
        if self.scarce:
            raise SpoolFull("scarce")
        self.append(record)

    def append_last(self, record):
        if self.used_up:
            raise SpoolFull("used up")
        self.records.append(record)


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
def recorder(sink):
    return Recorder(sink)


def test_a_record_says_what_was_decided_and_why_and_keeps_no_query():
    record = record_of(Exchange(facts(), BLOCK), "decision")
    assert (record.action, record.reason, record.category, record.basis) == (
        "block", "category.pornography", "pornography", "board policy"
    )  # fmt: skip
    assert (record.list, record.list_version, record.policy_revision, record.status) == ("ut1", "2026-11-22 ab", 7, 403)
    assert (record.user, record.school, record.intent, record.page) == ("ana", "lincoln", "navigate", "start.test")
    assert record.time == int(AT.timestamp() * 1_000_000)
    assert "secret" not in repr(record)


def test_search_terms_are_kept_where_the_facts_have_them():
    assert record_of(Exchange(facts(), ALLOW), "decision").search_terms is None
    kept = Exchange(facts(search_terms="sea otters"), ALLOW)
    assert {record_of(kept, event).search_terms for event in ("decision", "end")} == {"sea otters"}


def test_an_exchange_is_recorded_once_however_often_it_ends(recorder, sink):
    exchange = Exchange(facts(), ALLOW)
    recorder.begin(exchange)
    recorder.end(exchange)
    recorder.end(exchange)
    recorder.tick()
    assert [record.event for record in sink.records] == ["decision"]
    assert recorder.open == ()


def test_what_is_open_for_a_second_is_recorded_and_ends_later_under_the_same_id(recorder, sink):
    young, old = Exchange(facts(), ALLOW), Exchange(facts(), ALLOW)
    old.started -= 1.1
    old.bytes_out = 3
    recorder.begin(young)
    recorder.begin(old)
    recorder.tick()
    recorder.tick()
    assert [(record.event, record.id, record.bytes_out) for record in sink.records] == [("decision", old.id, 0)]
    old.bytes_out = 9
    recorder.end(old)
    assert [(record.event, record.id, record.bytes_out) for record in sink.records[1:]] == [("end", old.id, 9)]


def test_a_connect_may_wait_ten_seconds_for_the_request_that_speaks_for_it(recorder, sink):
    young, old = (Exchange(facts(stage=Stage.CONNECT), ALLOW) for _ in range(2))
    young.started -= 9
    old.started -= 11
    recorder.begin(young)
    recorder.begin(old)
    recorder.tick()
    assert [record.id for record in sink.records] == [old.id]


def test_what_opens_a_tunnel_is_decided_once(recorder, sink):
    tunnel = Exchange(facts(), ALLOW)
    recorder.begin(tunnel)
    recorder.decide(tunnel)
    recorder.decide(tunnel)
    tunnel.started -= 11
    recorder.tick()
    recorder.end(tunnel)
    recorder.decide(tunnel)
    assert [record.event for record in sink.records] == ["decision", "end"]


def test_a_connect_yields_to_its_inner_requests(recorder, sink):
    connect = Exchange(facts(), ALLOW)
    recorder.begin(connect)
    recorder.yield_to_inner(connect)
    recorder.end(connect)
    assert sink.records == []


def test_a_connect_that_was_recorded_while_it_waited_is_closed_when_it_yields(recorder, sink):
    connect = Exchange(facts(stage=Stage.CONNECT), ALLOW)
    connect.started -= 11
    recorder.begin(connect)
    recorder.tick()
    recorder.yield_to_inner(connect)
    assert [record.event for record in sink.records] == ["decision", "end"]


def test_a_full_spool_is_told_to_the_caller_and_the_exchange_stays_open(recorder, sink):
    exchange = Exchange(facts(), ALLOW)
    recorder.begin(exchange)
    sink.full = True
    with pytest.raises(SpoolFull):
        recorder.end(exchange)
    assert recorder.open == (exchange,)
    sink.full = False
    recorder.end(exchange)
    assert len(sink.records) == 1


def test_what_could_not_be_recorded_is_recorded_once_there_is_room(recorder, sink):
    exchange = Exchange(facts(), ALLOW)
    recorder.begin(exchange)
    sink.full = True
    with pytest.raises(SpoolFull):
        recorder.end(exchange)
    with pytest.raises(SpoolFull):
        recorder.tick()
    sink.full = False
    recorder.tick()
    recorder.end(exchange)
    recorder.tick()
    assert [(record.event, record.id) for record in sink.records] == [("decision", exchange.id)]
    assert recorder.open == ()


def test_requests_refused_for_want_of_room_spare_the_rest_of_it_and_are_counted_in_one_row(recorder, sink):
    refused = [Exchange(facts(), error_verdict("usage-log", 7)) for _ in range(3)]
    held = Exchange(facts(stage=Stage.CONNECT), error_verdict("usage-log", 7))
    held.started -= 11
    recorder.begin(held)
    sink.scarce = True
    for exchange in (*refused, held):
        with pytest.raises(SpoolFull):
            recorder.end(exchange)
        recorder.end(exchange)  # told once
    under_way = Exchange(facts(), ALLOW)
    recorder.begin(under_way)
    recorder.end(under_way)
    with pytest.raises(SpoolFull):
        recorder.tick()
    assert [record.id for record in sink.records] == [under_way.id]
    assert recorder.open == ()
    sink.scarce = False
    recorder.tick()
    recorder.tick()
    [row] = sink.records[1:]
    assert (row.reason, row.action, row.status, row.policy_revision) == ("error.usage-log", "block", 503, 7)
    assert row.detail == "answered while the log had no room: 4 requests without a record of their own"
    assert row.time == int(AT.timestamp() * 1_000_000)
    assert row.id not in [exchange.id for exchange in refused]
    for of_one in ("10.1.2.3", "blocked.test", "ana", "lincoln", "/a/b", "start.test"):
        assert of_one not in repr(row)


def test_a_worker_that_goes_away_records_everything_open(recorder, sink):
    for _ in range(3):
        recorder.begin(Exchange(facts(), ALLOW))
    recorder.end_all()
    assert [record.outcome for record in sink.records] == ["drain"] * 3


def test_a_worker_that_goes_away_without_room_writes_how_many_requests_have_no_record(recorder, sink, caplog):
    open_now, ended, refused = (Exchange(facts(), verdict) for verdict in (ALLOW, BLOCK, error_verdict("usage-log", 7)))
    recorder.begin(open_now)
    recorder.begin(refused)
    decided = Exchange(facts(), ALLOW)
    recorder.begin(decided)
    recorder.decide(decided)
    sink.full = True
    with pytest.raises(SpoolFull):
        recorder.end(ended)
    recorder.end_all()
    assert [record.detail for record in sink.records[1:]] == [
        "answered while the log had no room: 3 requests without a record of their own"
    ]
    assert "no room for 1 last records" in caplog.text  # the end of what was decided


def test_a_worker_that_goes_away_without_any_room_says_how_many_records_that_costs(recorder, sink, caplog):
    recorder.begin(Exchange(facts(), ALLOW))
    sink.full = sink.used_up = True
    with pytest.raises(SpoolFull):
        recorder.end(Exchange(facts(), BLOCK))
    recorder.end_all()
    assert "no room for 2 last records" in caplog.text


def test_what_nobody_watched_spares_the_room_of_what_is_under_way_and_leaves_only_a_number(recorder, sink):
    """Heads that are none, challenges and our own pages: a client can ask for any number of them."""
    sink.scarce = True
    for _ in range(50):
        with pytest.raises(SpoolFull):
            recorder.end(Exchange(facts(), BLOCK))
    assert (sink.records, recorder.open, len(recorder._owed)) == ([], (), 0)
    sink.scarce = False
    recorder.tick()
    assert [record.detail for record in sink.records] == [
        "answered while the log had no room: 50 requests without a record of their own"
    ]


def test_an_answer_that_is_whole_by_its_length_is_recorded_and_can_still_be_broken_off(recorder, sink):
    exchange, told = Exchange(facts(), ALLOW, length=5), []
    exchange.break_off = exchange.cut = told.append
    recorder.begin(exchange)
    exchange.bytes_out = 5
    recorder.moves(exchange)
    assert [record.event for record in sink.records] == ["decision"]
    exchange.moved -= 100
    break_off_overdue(recorder.open, 60.0)
    assert told == [OVERDUE]
    recorder.tick()
    recorder.end(exchange)
    assert (len(sink.records), recorder.open, exchange.cut) == (1, (), None)
