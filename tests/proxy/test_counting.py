"""Bodies are counted piece by piece, and end where they grow too large."""

from __future__ import annotations

import pytest

from proxy.counting import TOO_LARGE_ANSWER, TOO_LARGE_REQUEST, announced, answer_counter, request_counter
from proxy.recording import Exchange, Recorder
from tests.proxy.test_recording import ALLOW, Sink, facts


class Told(Exchange):
    """An exchange that keeps what it was broken off with."""

    def __init__(self):
        super().__init__(facts(), ALLOW)
        self.errors = []
        self.break_off = self.errors.append


def test_a_request_goes_on_up_to_the_cap_and_is_broken_off_once():
    told = Told()
    count = request_counter(told, Recorder(Sink()), 10)
    assert count(b"12345") == b"12345"
    assert count(b"67890") == b"67890"
    assert count(b"x") == []
    assert count(b"y") == []
    assert told.errors == [TOO_LARGE_REQUEST]


def test_an_answer_goes_on_up_to_the_cap_and_is_never_ended_as_whole():
    told, ended = Told(), []
    count = answer_counter(told, Recorder(Sink()), 10, lambda: ended.append(1))
    assert count(b"1234567890") == b"1234567890"
    assert count(b"x") == []
    assert count(b"") == []
    assert told.errors == [TOO_LARGE_ANSWER]
    assert ended == []


def test_the_end_of_an_answer_is_told_before_it_goes_on():
    ended = []
    count = answer_counter(Told(), Recorder(Sink()), 10, lambda: ended.append(1))
    assert count(b"1") == b"1"
    assert ended == []
    assert count(b"") == b""
    assert ended == [1]


@pytest.mark.parametrize(
    ("value", "length"), [("5", 5), ("0", 0), (None, None), ("", None), ("+5", None), ("٥", None), ("9" * 20, None)]
)
def test_announced(value, length):
    assert announced(value) == length
