from __future__ import annotations

import gzip

from hypothesis import given
from hypothesis import strategies as st

from proxy.scanning.unwrapping import inside


def test_what_is_there_of_a_gzip_file_is_read():
    assert inside(gzip.compress(b"words" * 1000)[:-8], 10) == b"wordswords"


def test_a_bomb_is_not_unpacked():
    assert len(inside(gzip.compress(bytes(64 * 2**20)), 1000)) == 1000


@given(st.binary(max_size=300))
def test_what_is_none_gives_nothing_or_little(data):
    assert len(inside(b"\x1f\x8b\x08" + data, 100)) <= 100
