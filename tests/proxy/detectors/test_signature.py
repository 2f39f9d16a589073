from __future__ import annotations

import pytest

from proxy.detectors.signature import all_of, among, at, number, prefix

FITS = prefix(b"SSH-2.0-", b"SSH-1.")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", None),
        (b"S", None),
        (b"SSH-", None),
        (b"SSH-2.0", None),
        (b"SSH-2.0-OpenSSH", True),
        (b"SSH-1.99-x", True),
        (b"SSH-3", False),
        (b"ssh-2.0-", False),
        (b" SSH-2.0-", False),
    ],
)
def test_a_prefix_fits_may_fit_or_does_not(data, expected):
    assert FITS(data) is expected


def test_a_value_at_a_place():
    fits = at(2, b"ab", b"cd")
    assert [fits(data) for data in (b"", b"xx", b"xxa", b"xxab", b"xxcde", b"xxx")] == [
        None, None, None, True, True, False,
    ]  # fmt: skip


def test_a_byte_among_others():
    fits = among(1, b"\x01\x02")
    assert [fits(data) for data in (b"", b"x", b"x\x01", b"x\x02y", b"x\x03")] == [None, None, True, True, False]


def test_all_parts_have_to_fit_and_one_that_does_not_tells_at_once():
    fits = all_of(among(3, b"z"), prefix(b"ab"))
    assert [fits(data) for data in (b"a", b"abxz", b"x", b"abx", b"abxy")] == [None, True, False, None, False]


def test_a_number_is_there_or_not_yet():
    assert [number(b"\x00\x01\x02", place, 2) for place in (0, 1, 2, 9)] == [1, 258, None, None]
