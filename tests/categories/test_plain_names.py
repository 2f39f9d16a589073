from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories.blocks import Block
from categories.entries import Covers
from categories.formats import FORMATS
from categories.formats.entry import ParsedEntry
from categories.keys import entry_key
from categories.plain_names import take_plain
from categories.rows import LINE, LINE_BITS, SHARDS, Rows, shard_of
from categories.sources import ListSource

if TYPE_CHECKING:
    from pathlib import Path

    from categories.formats.entry import Part

lines = st.sampled_from(
    [
        *("plain.test", "a.b.c.test", "x_y.test", "a-b.example", "blogspot.com", "github.io", "xnx.co.uk", "a1.test"),
        *("co.uk", "com", "x.ck", "www.ck", "city.kawasaki.jp", "a.kawasaki.jp", "test", "192.0.2.1", "2001:db8::1"),
        *("", "# comment", "a.test # why", " blanks.test ", "UPPER.test", "xn--mnchen-3ya.test", "münchen.test"),
        *("a--b.test", "-a.test", "a-.test", "a..test", ".a.test", "a.test.", "*.a.test", "a.test/x", "a.test\r"),
        *(f"{'a' * 64}.test", f"{'a' * 59}.test", f"{'a.' * 130}test", "\ufeffa.test", "a.1test", "a.t-1", "b.t\0"),
    ]
)
ends = st.sampled_from(["\n", "\r\n"])


def part(name: str, folder: Path) -> Part:
    source = ListSource("mine", name, path=folder, category="games")
    (only,) = FORMATS[name](source, folder, folder).parts
    return only


@pytest.mark.parametrize("name", ["domains", "e2guardian", "wildcard"])
@given(said=st.lists(lines, max_size=30), end=ends, first=st.integers(1, 100))
def test_a_parser_makes_the_same_of_what_is_taken_from_it(
    tmp_path_factory: pytest.TempPathFactory, name: str, said: list[str], end: str, first: int
) -> None:
    one = part(name, tmp_path_factory.getbasetemp())
    assert one.plain is not None
    block = Block(first, end.join(said).encode())
    rows = Rows()
    taken, left = take_plain(block, one.plain, 5 << LINE_BITS, rows)
    found = {
        (shard, key, posting)
        for shard in range(SHARDS)
        for key, posting in zip(rows.keys[shard], rows.postings[shard], strict=True)
    }
    assert taken == sum(map(len, rows.keys))
    assert taken + len(left) == len(list(block.lines))
    parsed = list(one.parse(block.lines))
    numbers = {posting & LINE for _, _, posting in found}
    assert [each for each in parsed if each.line not in numbers] == list(one.parse(left))
    assert found == {
        (shard_of(each.host), entry_key(each.host, each.covers, each.target), 5 << LINE_BITS | each.line)
        for each in parsed
        if each.line in numbers and isinstance(each, ParsedEntry) and each.covers is one.plain
    }


def test_plain_names_are_really_taken() -> None:
    rows = Rows()
    block = Block(7, b"a.test\nb.test\n*\nc.test")
    assert take_plain(block, Covers.DOMAIN, 0, rows) == (3, [(9, b"*")])
    assert sorted(posting for shard in rows.postings for posting in shard) == [7, 8, 10]
