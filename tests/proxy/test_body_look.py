"""No byte of a body that is a DNS query goes on, and every other body goes on whole and in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.body_look import REFUSED_BODY, BodyLook
from proxy.counting import TOO_LARGE_REQUEST, request_counter
from proxy.recording import Exchange, Recorder
from tests.proxy.detectors.test_dns_message import QUERY, WITH_OPT
from tests.proxy.policy import facts, snapshot, unblock
from tests.proxy.test_recording import ALLOW, Sink

POLICY = snapshot()


def looked(pieces, policy=POLICY, most=10_000):
    """What goes on of each piece, then of the end; the exchange; what it was broken off with."""
    exchange, errors = Exchange(facts("https://unknown.test/", method="POST"), ALLOW), []
    exchange.break_off = errors.append
    look = BodyLook(request_counter(exchange, Recorder(Sink()), most), exchange, policy)
    went_on = [look(piece) for piece in (*pieces, b"")]
    return [[piece] if isinstance(piece, bytes) else piece for piece in went_on], exchange, errors


@pytest.mark.parametrize("query", [QUERY, WITH_OPT])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_query_is_refused_in_whatever_pieces_it_comes(query, size):
    went_on, exchange, errors = looked([query[at : at + size] for at in range(0, len(query), size)])
    assert not any(b"".join(pieces) for pieces in went_on)
    assert errors == [REFUSED_BODY]
    assert (exchange.verdict.reason, exchange.verdict.status) == ("bypass.encrypted-dns", 403)
    assert exchange.bytes_in == len(query)


def test_nothing_goes_on_behind_a_refusal():
    exchange = Exchange(facts(), ALLOW)
    look = BodyLook(request_counter(exchange, Recorder(Sink()), 100), exchange, POLICY)
    assert [look(QUERY), look(b""), look(b"more")] == [[], [], []]


def test_a_body_that_is_none_goes_on_at_once():
    went_on, exchange, errors = looked([b'{"a": 1', b', "b": 2}'])
    assert (went_on, errors) == ([[b'{"a": 1'], [b', "b": 2}'], [b""]], [])
    assert (exchange.bytes_in, exchange.verdict) == (16, ALLOW)


def test_a_message_of_grpc_goes_on_before_its_end():
    went_on, _, _ = looked([b"\0\0\0\0\5hello"])
    assert went_on[0] == [b"\0\0\0\0\5hello"]


def test_what_might_have_become_one_goes_on_at_the_end():
    assert looked([QUERY[:9], QUERY[9:20]])[0] == [[], [], [QUERY[:20]]]


@pytest.mark.parametrize("pieces", [[QUERY, b"more"], [QUERY + b"\0"], [QUERY + bytes(5000)]])
def test_a_query_with_more_behind_it_is_refused_all_the_same(pieces):
    went_on, _, errors = looked(pieces)
    assert not any(b"".join(each) for each in went_on)
    assert errors == [REFUSED_BODY]


def test_an_empty_body_has_no_piece():
    assert looked([])[0] == [[]]


def test_an_unblock_of_the_technique_lets_it_through():
    policy = snapshot(unblocks=[unblock("unknown.test", ["bypass.encrypted-dns"])])
    went_on, exchange, errors = looked([QUERY], policy)
    assert (went_on, errors, exchange.verdict) == ([[QUERY], [b""]], [], ALLOW)


def test_what_is_held_counts_towards_the_cap():
    assert looked([QUERY[:20]], most=10)[2] == [TOO_LARGE_REQUEST]


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_every_other_body_goes_on_whole(pieces):
    went_on, exchange, errors = looked(pieces)
    if not errors:
        assert b"".join(piece for each in went_on for piece in each) == b"".join(pieces)
        assert exchange.bytes_in == sum(map(len, pieces))
