from __future__ import annotations

import gzip
import io
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories import gunzip
from categories.gunzip import Gunzip


def unpacked(data: bytes, size: int = 1000) -> bytes:
    stream = Gunzip(io.BytesIO(data))
    found = bytearray()
    while piece := stream.read(size):
        assert len(piece) <= size
        found += piece
    assert stream.read(size) == b""
    return bytes(found)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.integers(1, 400), st.integers(0, 3))
def test_members_and_padding_are_read_as_the_standard_library_reads_them(
    members: list[bytes], size: int, zeros: int
) -> None:
    data = bytes(zeros).join(gzip.compress(member) for member in members) + bytes(zeros)
    assert unpacked(data, size) == gzip.decompress(data) == b"".join(members)


@given(st.binary(min_size=1, max_size=300), st.integers(0, 400), st.integers(0, 7))
def test_it_refuses_what_the_standard_library_refuses_and_reads_what_it_reads(data: bytes, at: int, bit: int) -> None:
    packed = bytearray(gzip.compress(data))
    packed[at % len(packed)] ^= 1 << bit
    try:
        expected = gzip.decompress(bytes(packed))
    except (OSError, EOFError, zlib.error):
        with pytest.raises((EOFError, zlib.error)):
            unpacked(bytes(packed))
    else:
        with suppress(zlib.error):  # it is stricter with flags that no header may have
            assert unpacked(bytes(packed)) == expected


@given(st.binary(max_size=300), st.integers(1, 400))
def test_every_cut_is_found(data: bytes, missing: int) -> None:
    packed = gzip.compress(data)
    with pytest.raises((EOFError, zlib.error)):
        unpacked(packed[: max(0, len(packed) - missing)])


@pytest.mark.parametrize("rest", [b"x", b"\0\0x", b"\x1f", b"\x1f\x8b"])
def test_what_stands_behind_the_last_member_is_damage(rest: bytes) -> None:
    with pytest.raises((EOFError, zlib.error)):
        unpacked(gzip.compress(b"a") + rest)


def test_no_more_members_than_a_list_is_packed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gunzip, "MEMBERS_CAP", 10)
    assert unpacked(gzip.compress(b"a") * 10) == b"a" * 10
    with pytest.raises(zlib.error, match="more members"):
        unpacked(gzip.compress(b"") * 11)


def test_to_look_ahead_takes_nothing_away() -> None:
    stream = Gunzip(io.BytesIO(gzip.compress(b"abc")))
    assert (stream.peek(2), stream.peek(9), stream.read(1), stream.read(9), stream.read(9), stream.read(9)) == (
        *(b"ab", b"ab", b"a", b"b", b"c", b""),
    )
