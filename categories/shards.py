"""One shard of the index: a trie of its keys, and who has each of them.

A trie numbers its keys; a table has a posting for each number. A key that several classes have stands there as MANY and
a place among the shared ones: how many, then their postings in the order of the classes.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import marisa_trie

from categories.rows import LINE_BITS, remove_rows, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

#: Marks a place among the shared postings; no class number reaches it.
MANY = 1 << 63
_WORD = 8


@dataclass(frozen=True, slots=True)
class ShardSize:
    """How long the parts of a shard are, in bytes, in the order in which they stand."""

    trie: int
    table: int
    shared: int


@dataclass(frozen=True, slots=True)
class BuiltShard:
    """Where a shard was written, and how many rows of each class went into it for nothing: their key was there."""

    path: Path
    size: ShardSize
    repeated: Counter[int]


def build_shard(folder: Path, number: int) -> BuiltShard:
    """Make a shard of its rows. The same rows make the same bytes, in whatever order they come."""
    repeated: Counter[int] = Counter()
    known: dict[str, int] = {}
    several: dict[str, list[int]] = {}
    for key, posting in rows_of(folder, number):
        if key in known:
            several.setdefault(key, [known[key]]).append(posting)
        else:
            known[key] = posting
    shared = array("Q")
    for key in sorted(several):
        postings = _distinct(several[key], repeated)
        known[key] = postings[0] if len(postings) == 1 else MANY | len(shared)
        if len(postings) > 1:
            shared.extend((len(postings), *postings))
    trie = marisa_trie.Trie(known, num_tries=1)  # a third more bytes than with 3, and quicker by as much
    table = array("Q", bytes(_WORD * len(known)))
    for key, place in trie.items():
        table[place] = known[key]
    path = folder / f"{number}.shard"
    remove_rows(folder, number)
    size = _write(path, (trie.tobytes(), table.tobytes(), shared.tobytes()))
    return BuiltShard(path, size, repeated)


def _distinct(postings: list[int], repeated: Counter[int]) -> list[int]:
    """One posting a class, that of the first line."""
    first: dict[int, int] = {}
    for posting in sorted(postings):
        if posting >> LINE_BITS in first:
            repeated[posting >> LINE_BITS] += 1
        else:
            first[posting >> LINE_BITS] = posting
    return list(first.values())


def _write(path: Path, parts: Sequence[bytes]) -> ShardSize:
    with path.open("wb") as file:
        file.writelines(parts)
    return ShardSize(*map(len, parts))


class Shard:
    """A shard that is mapped into memory. The trie points into `_trie_bytes` without holding them, so this does."""

    __slots__ = ("_shared", "_table", "_trie_bytes", "trie")

    def __init__(self, trie: memoryview, table: memoryview, shared: memoryview) -> None:
        self._trie_bytes = trie
        self._table = table.cast("Q")
        self._shared = shared.cast("Q")
        self.trie = marisa_trie.Trie()
        self.trie.map(trie)

    def postings(self, key: str) -> Sequence[int]:
        """Who has a key. Raises KeyError when nobody has."""
        return self._postings(self._table[self.trie[key]])

    def _postings(self, posting: int) -> Sequence[int]:
        if posting < MANY:
            return (posting,)
        place = posting - MANY + 1
        return self._shared[place : place + self._shared[place - 1]]

    def items(self) -> Iterator[tuple[str, Sequence[int]]]:
        """Every key, and who has it."""
        for key, number in self.trie.iteritems():
            yield key, self._postings(self._table[number])


def shards(data: memoryview, sizes: Iterable[ShardSize]) -> Iterator[Shard]:
    """The shards that stand in `data` one after the other."""
    at = 0
    for size in sizes:
        parts = []
        for length in (size.trie, size.table, size.shared):
            parts.append(data[at : at + length])
            at += length
        yield Shard(*parts)
