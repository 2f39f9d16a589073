"""Compile lists to an index: parse every file into a spool on disk, build the trie from it, then the postings.

Keys reach the trie from a generator: 6 M keys peak at 588 MiB so, at 1,002 MiB from a Python list (reference/engine.md
18). An index is made in a new folder and its files are never written again: workers have them mapped into memory.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import marisa_trie

from categories.meta import META_FILE, EntryClass, IndexMeta, ListSummary, to_json
from categories.sources import digest_of
from categories.spool import Spool, file_digest, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from categories.spool import ListAtHand, Progress

KEYS, OFFSETS, CLASSES, LINES = "keys.marisa", "offsets.u32", "classes.u16", "lines.u32"

#: A posting is sorted as one number: key id, class, line.
_ID, _CLASS, _LINE = 64, 32, 0xFFFF_FFFF


def compile_index(lists: Sequence[ListAtHand], folder: Path, progress: Progress) -> IndexMeta:
    """Write an index of `lists` into `folder`, which is empty. Raises ListRefused for a list that cannot be used."""
    path = folder / "spool"
    with path.open("w", encoding="ascii") as file:
        spool = Spool(file, progress)
        for item in lists:
            spool.add(item)
    progress("index", 0, 2)
    trie = marisa_trie.Trie(key for _, _, key in rows(path))
    (folder / KEYS).write_bytes(trie.tobytes())  # its own save() hides a full disk behind RuntimeError
    progress("index", 1, 2)
    counts = _write_postings(trie, path, folder)
    path.unlink()
    classes = tuple(spool.classes)
    summaries = tuple(_counted(number, summary, classes, counts) for number, summary in enumerate(spool.lists))
    sources = digest_of(item.source for item in lists)
    meta = IndexMeta(datetime.now(UTC), sources, _files(folder), classes, summaries)
    (folder / META_FILE).write_bytes(to_json(meta))
    progress("index", 2, 2)
    return meta


def _write_postings(trie: marisa_trie.Trie, spool: Path, folder: Path) -> Counter[int]:
    """Write who names each key; give the number of distinct entries of each class."""
    offsets, classes, lines = array("I", [0]), array("H"), array("I")
    counts: Counter[int] = Counter()
    key = 0
    for posting_key, number, line in _distinct(trie, spool):
        while key < posting_key:
            offsets.append(len(classes))
            key += 1
        classes.append(number)
        lines.append(line)
        counts[number] += 1
    offsets.append(len(classes))
    for name, values in ((OFFSETS, offsets), (CLASSES, classes), (LINES, lines)):
        (folder / name).write_bytes(values)
    return counts


def _distinct(trie: marisa_trie.Trie, spool: Path) -> Iterator[tuple[int, int, int]]:
    """Key id, class and line of every entry in order; of two in one class the first line only."""
    postings = sorted(trie[key] << _ID | number << _CLASS | line for number, line, key in rows(spool))
    last = -1
    for posting in postings:
        if posting >> _CLASS != last:
            last = posting >> _CLASS
            yield posting >> _ID, last & _LINE, posting & _LINE


def _counted(number: int, summary: ListSummary, classes: tuple[EntryClass, ...], counts: Counter[int]) -> ListSummary:
    """The summary with distinct entries counted: those that block, by category, and the white ones."""
    black: Counter[str] = Counter()
    white = 0
    for index, entry_class in enumerate(classes):
        if entry_class.list == number and entry_class.white:
            white += counts[index]
        elif entry_class.list == number:
            black[entry_class.category] += counts[index]
    return replace(summary, entries=black.total() + white, white=white, counts=dict(sorted(black.items())))


def _files(folder: Path) -> dict[str, tuple[int, str]]:
    names = (KEYS, OFFSETS, CLASSES, LINES)
    return {name: ((folder / name).stat().st_size, file_digest(folder / name)) for name in names}
