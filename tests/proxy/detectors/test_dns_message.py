from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.detectors.dns_message import QUERY_CAP, encoded_query, is_query

HEADER = bytes.fromhex("0000 0100 0001 0000 0000 0000")
NAME = b"\3www\7example\3com\0"
QUERY = HEADER + NAME + b"\0\1\0\1"
WITH_OPT = HEADER[:11] + b"\1" + NAME + b"\0\1\0\1" + b"\0\0\x29\x10\0\0\0\0\0\0\4abcd"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (QUERY, True),
        (WITH_OPT, True),
        (b"\xab\xcd" + QUERY[2:], True),
        (HEADER + b"\0\0\2\0\1", True),
        (QUERY[:-1] + b"\xff", True),
        (QUERY[:-1] + b"\2", False),
        (HEADER + b"\0\0\0\0\1", False),
        (HEADER + bytes(40), False),
        (b"", None),
        (HEADER, None),
        (QUERY + b"x", True),
        (WITH_OPT + b"x", True),
        (QUERY[:2] + b"\x81" + QUERY[3:], False),
        (QUERY[:2] + b"\x29" + QUERY[3:], False),
        (QUERY[:5] + b"\2" + QUERY[6:], False),
        (QUERY[:7] + b"\1" + QUERY[8:], False),
        (QUERY[:11] + b"\3" + QUERY[12:], False),
        (HEADER + b"\xc0\x0c\0\1\0\1", False),
        (HEADER + b"\x40" + b"a" * 64 + b"\0\0\1\0\1", False),
        (HEADER + (b"\x3f" + b"a" * 63) * 4 + b"\0\0\1\0\1", False),
        (b"{\"query\": \"a body in JSON\"}", False),
        (b"\0\0\0\0\5hello", False),
        (b"name=ana&subject=a+form", False),
    ],
    ids=["a query", "with OPT", "with a number", "for the root", "of any class", "of no class",
         "of no type", "zeros behind a header", "nothing", "a header", "with more behind it",
         "with more behind OPT", "an answer", "another opcode", "two questions", "an answer in it", "three records",
         "a pointer", "a label too long", "a name too long", "JSON", "gRPC", "a form"],
)  # fmt: skip
def test_what_begins_with_a_whole_query(data, expected):
    assert is_query(data) is expected


@pytest.mark.parametrize("whole", [QUERY, WITH_OPT])
def test_each_beginning_of_a_query_may_become_one(whole):
    assert [is_query(whole[:size]) for size in range(len(whole))] == [None] * len(whole)


@given(st.binary(max_size=QUERY_CAP + 100))
def test_whatever_comes_is_one_or_not(data):
    assert is_query(data) in (True, False, None)
    assert is_query(HEADER + data) in (True, False, None)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_what_is_none_does_not_become_one(begun, more):
    if is_query(HEADER + begun) is False:
        assert is_query(HEADER + begun + more) is False


@given(st.text(max_size=200))
def test_no_text_raises(text):
    assert encoded_query(text) in (True, False)


@given(st.lists(st.binary(min_size=1, max_size=63), max_size=3))
def test_a_query_for_any_name_is_read_in_both_alphabets(labels):
    data = HEADER + b"".join(bytes([len(label)]) + label for label in labels) + b"\0\0\1\0\1"
    assert is_query(data) is True
    for encoded in (
        base64.urlsafe_b64encode(data),
        base64.b64encode(data),
        base64.urlsafe_b64encode(data).rstrip(b"="),
    ):
        assert encoded_query(encoded.decode())


def test_a_query_of_any_length_is_seen_by_its_beginning():
    assert encoded_query(base64.urlsafe_b64encode(QUERY + b"\0" * 5000).decode())
    assert is_query(QUERY + b"\0" * QUERY_CAP) is True
    long = HEADER[:11] + b"\1" + NAME + b"\0\1\0\1" + b"\0\0\x29\x10\0\0\0\0\0\xff\xff"
    assert [is_query(long + bytes(size)) for size in (0, QUERY_CAP)] == [None, False]
