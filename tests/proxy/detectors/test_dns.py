from __future__ import annotations

import pytest

from proxy.detectors.opening import named, undecided
from tests.proxy.detectors.openings import NAMED

QUERY, PADDED = NAMED["DNS over TCP"].data, NAMED["DNS over TLS with EDNS"].data


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, 2), (1, 0x1A), (4, 0x80), (4, 0x79), (5, 1), (7, 0), (7, 2), (9, 1), (11, 1), (13, 3), (14, 0x40),
     (15, 0x20), (25, 0xFF), (26, 0), (28, 2)],
)  # fmt: skip
def test_one_byte_that_no_query_has(place, value):
    assert named(QUERY) == "bypass.dns"
    changed = QUERY[:place] + bytes([value]) + QUERY[place + 1 :]
    if place in (25, 26):  # the kind of question may be any but 0
        changed = changed[:25] + b"\0\0" + changed[27:]
    assert named(changed) is None


def test_what_follows_a_question_counts_as_its_length_says():
    assert named(PADDED) == "bypass.dns"
    assert named(QUERY[:1] + b"\x1c" + QUERY[2:]) is None  # longer than the question, and nothing announced


def test_a_name_that_goes_on_for_ever_is_none():
    name = b"\x01a" * 140
    assert named(b"\x01\x80" + QUERY[2:14] + name) is None
    assert not undecided(b"\x01\x80" + QUERY[2:14] + name)
