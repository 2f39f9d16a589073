"""A list's file, cut into blocks of whole lines that can be parsed apart."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from categories.streams import LINE_CAP, lines, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from categories.formats.entry import NumberedLines
    from categories.streams import Room

#: About 25,000 lines: enough to make its way to another process cheap, and few enough to share the work out evenly.
BLOCK = 1 << 19


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines of a file, without the end of the last one. `first` is the number of the first, from 1."""

    first: int
    data: bytes

    @property
    def lines(self) -> NumberedLines:
        """The lines with their numbers, without their ends."""
        apart = self.data.split(b"\n")
        if b"\r" in self.data:
            apart = [line.rstrip(b"\r") for line in apart]
        return enumerate(apart, self.first)


def blocks(path: Path, name: str, size: int | None = None, room: Room | None = None) -> Iterator[Block]:
    """The file's lines in blocks of about `size` bytes (BLOCK). Of a line that is far too long only a part is given.

    Raises ListRefused, as `unpacked` does; `name` is how it calls the file, `room` what is left for its bytes.
    """
    first, begun = 1, b""
    with unpacked(path, name, room) as stream:
        buffered = io.BufferedReader(stream, 1 << 17)  # gives as much as is asked for; what is packed comes in bits
        while data := buffered.read(size or BLOCK):
            whole, newline, rest = data.rpartition(b"\n")
            if newline:
                block = Block(first, begun + whole)
                yield block
                first += block.data.count(b"\n") + 1
                begun = rest
            elif len(begun) <= LINE_CAP:  # what a line has beyond the cap, and a block, is dropped
                begun += rest
    if begun:
        yield Block(first, begun)


def one_piece(path: Path, name: str, room: Room | None = None) -> Iterator[tuple[int, bytes]]:
    """All the file's lines with their numbers, for a format whose lines cannot be told apart. Raises as `blocks`."""
    with unpacked(path, name, room) as stream:
        yield from enumerate(lines(stream), 1)
