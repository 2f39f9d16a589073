"""The compiled lists, mapped into memory and shared by all workers: which entries cover this address."""

from __future__ import annotations

import hashlib
import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import marisa_trie

from categories.compile import CLASSES, KEYS, LINES, OFFSETS
from categories.entries import Covers, ListEntry
from categories.errors import IndexRefused
from categories.keys import at_boundary, pattern_of, request_keys, specificity
from categories.meta import read_meta
from categories.taxonomy import CHILD_ABUSE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from categories.meta import EntryClass, IndexMeta, ListSummary

#: Stands for the pattern of an entry whose host is never shown.
WITHHELD = "(withheld)"


@dataclass(frozen=True, slots=True)
class _Mapped:
    """The mapped files. The trie points into `keys` without holding it: it must not be used when this is gone."""

    keys: memoryview
    trie: marisa_trie.Trie
    offsets: memoryview
    classes: memoryview
    lines: memoryview
    meta: IndexMeta


class CategoryIndex:
    """A read-only index of one generation. Look-ups are safe from every thread, also while `close` is called."""

    def __init__(self, mapped: _Mapped, generation: str) -> None:
        self._mapped: _Mapped | None = mapped
        self.generation = generation
        self.lists: tuple[ListSummary, ...] = mapped.meta.lists
        self.counts: Mapping[str, Mapping[str, int]] = mapped.meta.counts
        self.built = mapped.meta.built
        self.sources = mapped.meta.sources

    @classmethod
    def open(cls, folder: Path) -> CategoryIndex:
        """Map the index in `folder`. Raises IndexRefused when anything in it is missing, truncated or changed.

        All of it is hashed (90 MB at 5 M entries, about 0.1 s): a damaged trie would crash the process, not raise,
        and hashing reads the pages in before the index is switched to.
        """
        meta = read_meta(folder)
        views = {name: _verified(folder / name, size, digest) for name, (size, digest) in meta.files.items()}
        trie = marisa_trie.Trie()
        trie.map(views[KEYS])
        arrays = views[OFFSETS].cast("I"), views[CLASSES].cast("H"), views[LINES].cast("I")
        return cls(_Mapped(views[KEYS], trie, *arrays, meta), folder.name)

    def lookup(self, host: str, path: str = "/", query: str = "") -> tuple[ListEntry, ...]:
        """Every entry that covers a canonical address, the most specific first, then in the order of the lists.

        Entries of child-abuse carry neither pattern nor file nor line. Raises ValueError on a closed index.
        """
        mapped = self._mapped
        if mapped is None:
            raise ValueError(f"index {self.generation} is closed")
        requests = request_keys(host, path, query)
        walk = mapped.trie.iter_prefixes_with_ids
        keys = {key: number for request in requests for key, number in walk(request) if at_boundary(key, request)}
        if not keys:
            return ()
        own_host = requests[0].partition("/")[0] + "/"
        ordered = sorted(keys, key=specificity, reverse=True)
        found = (entry for key in ordered for entry in _entries(mapped, key, keys[key], own_host))
        return tuple(dict.fromkeys(found))

    def close(self) -> None:
        """Let go of the files; a look-up that is under way ends well."""
        self._mapped = None


def _entries(mapped: _Mapped, key: str, number: int, own_host: str) -> Iterator[ListEntry]:
    for posting in range(mapped.offsets[number], mapped.offsets[number + 1]):
        entry_class = mapped.meta.classes[mapped.classes[posting]]
        # The key of the bare host is asked for because of a leading www: for path entries, not those for it alone.
        if entry_class.covers is Covers.HOST and key != own_host:
            continue
        yield _entry(mapped.meta.lists[entry_class.list], entry_class, key, mapped.lines[posting])


def _entry(summary: ListSummary, entry_class: EntryClass, key: str, line: int) -> ListEntry:
    withheld = entry_class.category == CHILD_ABUSE
    return ListEntry(
        category=entry_class.category,
        pattern=WITHHELD if withheld else pattern_of(key, entry_class.covers),
        covers=entry_class.covers,
        list=summary.name,
        list_version=summary.version,
        file="" if withheld else entry_class.file,
        line=0 if withheld else line,
        white=entry_class.white,
    )


def _verified(path: Path, size: int, digest: str) -> memoryview:
    """A file mapped into memory, once its size and digest are those that were written."""
    try:
        with path.open("rb") as file:
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as problem:  # ValueError: an empty file cannot be mapped
        raise IndexRefused(f"index {path.parent.name}: cannot read {path}: {problem}") from problem
    if len(view) != size or hashlib.sha256(view).hexdigest() != digest:
        raise IndexRefused(f"index {path.parent.name}: {path.name} is truncated or damaged; compile the lists again")
    return view
