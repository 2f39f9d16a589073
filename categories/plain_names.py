"""Lines that are a host name each, canonical as it stands: most lines of most lists.

One look at a run of them takes half of what a look at each takes. What is left is for the list's parser, which would
have made the same of these: nothing is an entry here that it would not have read so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zlib import crc32

from categories.entries import Covers
from categories.formats.entry import LABEL_CAP, PLAIN_NAME
from categories.rows import SHARDS
from categories.suffixes import may_be_registry_suffix

if TYPE_CHECKING:
    from categories.blocks import Block
    from categories.rows import Rows

_RUN = re.compile(rb"^(?:%b\n)++" % PLAIN_NAME, re.MULTILINE)


def take_plain(block: Block, covers: Covers, posting: int, rows: Rows) -> tuple[int, list[tuple[int, bytes]]]:
    """Add a row for every plain name; give their number and the lines that are left. `posting` is the one of line 0."""
    data = block.data + b"\n"
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    left: list[tuple[int, bytes]] = []
    at, number = 0, block.first
    for run in _RUN.finditer(data):
        number = _leave(data[at : run.start()], number, left)
        number = _take(run[0].decode(), number, covers, posting, rows, left)
        at = run.end()
    end = _leave(data[at:], number, left)
    return end - block.first - len(left), left


def _leave(text: bytes, number: int, left: list[tuple[int, bytes]]) -> int:
    """Leave whole lines to the parser; give the number of the next line."""
    apart = text.split(b"\n")[:-1]
    left.extend(enumerate((line.rstrip(b"\r") for line in apart), number))
    return number + len(apart)


def _take(names: str, number: int, covers: Covers, posting: int, rows: Rows, left: list[tuple[int, bytes]]) -> int:
    """Add a row for each of these lines; give the number of the next line."""
    keys, postings, odd = rows.keys, rows.postings, may_be_registry_suffix()
    end = "./" if covers is Covers.HOST else "."
    for name in names.split("\n")[:-1]:
        if len(name) > LABEL_CAP or odd(name):  # a longer one may have a long label
            left.append((number, name.encode()))
        else:
            # What shard_of and entry_key do, in a third of the time.
            shard = crc32(name[name.rfind(".", 0, name.rfind(".")) + 1 :].encode()) % SHARDS
            keys[shard].append(name[::-1] + end)
            postings[shard].append(posting + number)
        number += 1
    return number
