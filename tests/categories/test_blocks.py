from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories.blocks import Block, blocks, one_piece
from categories.errors import ListRefused
from categories.streams import LINE_CAP

if TYPE_CHECKING:
    from pathlib import Path


def numbered(path: Path, size: int) -> list[tuple[int, bytes]]:
    return [line for block in blocks(path, "mine", size) for line in block.lines]


@given(
    data=st.lists(st.sampled_from([b"a.test", b"", b"\r", b"b\r\n", b"\n", b"\n\n", b"x" * 30])).map(b"".join),
    size=st.integers(1, 40),
    packed=st.booleans(),
)
def test_blocks_hold_the_lines_of_the_file_with_their_numbers(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, size: int, packed: bool
) -> None:
    path = tmp_path_factory.mktemp("blocks") / "mine"
    path.write_bytes(gzip.compress(data) if packed else data)
    assert numbered(path, size) == list(one_piece(path, "mine"))


@pytest.mark.parametrize("size", [100, LINE_CAP, LINE_CAP + 1, LINE_CAP * 3, 1 << 20])
def test_a_line_that_is_too_long_stays_too_long_and_takes_no_more_room_than_a_block(tmp_path: Path, size: int) -> None:
    path = tmp_path / "mine"
    path.write_bytes(b"a.test\n" + b"x" * LINE_CAP * 20 + b"\nb.test\n" + b"y" * LINE_CAP + b"\n" + b"z" * LINE_CAP * 9)
    found = numbered(path, size)
    assert [(number, len(line) > LINE_CAP) for number, line in found] == [
        *((1, False), (2, True), (3, False), (4, False), (5, True))
    ]
    assert max(len(block.data) for block in blocks(path, "mine", size)) <= 2 * (size + LINE_CAP) + size
    assert (found[2][1], found[3][1]) == (b"b.test", b"y" * LINE_CAP)


def test_a_block_is_cut_at_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_bytes(b"one\ntwo\nthree")
    assert list(blocks(path, "mine", 6)) == [Block(1, b"one"), Block(2, b"two"), Block(3, b"three")]


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_bytes(gzip.compress(b"\n" * 10_000)[:-9])
    with pytest.raises(ListRefused, match=r"mine: .*is truncated or damaged"):
        numbered(path, 1000)
