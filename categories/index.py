"""The compiled lists, mapped into memory and shared by all workers: which entries cover this address."""

from __future__ import annotations

import hashlib
import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from categories.compile import SHARDS_FILE
from categories.entries import Covers, ListEntry
from categories.errors import IndexRefused
from categories.expression_index import COMPILED, WRITTEN, ListedExpressions, read_expressions
from categories.keys import at_boundary, entry_key, pattern_of, request_keys, specificity
from categories.meta import read_meta
from categories.rows import LINE, LINE_BITS, SHARDS, shard_of
from categories.shards import Shard, shards
from categories.taxonomy import CHILD_ABUSE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from categories.meta import EntryClass, IndexMeta, ListSummary

#: The number of what stands beyond the shards.
EXPRESSIONS = SHARDS

#: Stands for the pattern of an entry whose host is never shown.
WITHHELD = "(withheld)"


class _Known(NamedTuple):
    """What the entries of a class have in common, ready to be given."""

    category: str
    covers: Covers
    list: str
    list_version: str
    file: str
    white: bool
    withheld: bool


@dataclass(frozen=True, slots=True)
class _Mapped:
    """The mapped files, and what the postings in them stand for."""

    shards: tuple[Shard, ...]
    classes: tuple[_Known, ...]
    expressions: ListedExpressions | None


class CategoryIndex:
    """A read-only index of one generation. Look-ups are safe from every thread, also while `close` is called."""

    def __init__(self, meta: IndexMeta, files: Mapping[str, memoryview], generation: str) -> None:
        classes = tuple(_known(meta.lists[each.list], each) for each in meta.classes)
        expressions = _listed(files, classes) if WRITTEN in files else None
        self._mapped: _Mapped | None = _Mapped(tuple(shards(files[SHARDS_FILE], meta.shards)), classes, expressions)
        self.generation = generation
        self.lists: tuple[ListSummary, ...] = meta.lists
        self.classes: tuple[EntryClass, ...] = meta.classes
        self.counts: Mapping[str, Mapping[str, int]] = meta.counts
        self.built = meta.built
        self.sources = meta.sources

    @classmethod
    def open(cls, folder: Path) -> CategoryIndex:
        """Map the index in `folder`. Raises IndexRefused when anything in it is missing, truncated or changed.

        All of it is hashed (90 MB at 5 M entries, about 0.1 s): a damaged trie would crash the process, not raise,
        and hashing reads the pages in before the index is switched to. Expressions that another version of their engine
        compiled are compiled again, in memory.
        """
        meta = read_meta(folder)
        files = {name: _verified(folder / name, size, digest) for name, (size, digest) in meta.files.items()}
        return cls(meta, files, folder.name)

    def lookup(self, host: str, path: str = "/", query: str = "") -> tuple[ListEntry, ...]:
        """Every entry that covers a canonical address, the most specific first, then in the order of the lists.

        Expressions come last. An empty `path` asks about a host whose path is not known, or never will be: which
        entries cover it with every path. Entries of child-abuse carry neither pattern nor file nor line.

        Raises ValueError on a closed index.
        """
        mapped = self._open()
        shard = mapped.shards[shard_of(host)]
        requests = request_keys(host, path or "/", query)
        prefixes, own_host = shard.trie.prefixes, ""
        if len(requests) == 1:
            (request,) = requests
            keys = [key for key in prefixes(request) if "/" not in key or at_boundary(key, request)]
        else:  # some keys are prefixes of several
            found = {key for request in requests for key in prefixes(request) if at_boundary(key, request)}
            keys, own_host = list(found), f"{host[::-1]}./"
        if not keys and mapped.expressions is None:
            return ()
        if len(keys) > 1:
            keys.sort(key=specificity, reverse=True)
        entries = [
            _entry(known, key, posting & LINE)
            for key in keys
            for posting in shard.postings(key)
            # The key of the bare host is asked for because of a leading www: for paths, not for what is it alone.
            if (known := mapped.classes[posting >> LINE_BITS]).covers is not Covers.HOST
            or not own_host
            or key == own_host
        ]
        if mapped.expressions is not None:
            entries += mapped.expressions.covering(host, path, query)
        if not path:
            entries = [entry for entry in entries if entry.covers is not Covers.PREFIX]
        return tuple(dict.fromkeys(entries)) if len(entries) > 1 else tuple(entries)

    def keys(self, shard: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Every key of a shard, each with the numbers of its classes. Raises ValueError on a closed index.

        Beyond the last shard, as EXPRESSIONS, stand the expressions as they are written.
        """
        if shard == EXPRESSIONS:
            expressions = self._open().expressions
            yield from expressions.written.by_text() if expressions else ()
            return
        for key, postings in self._open().shards[shard].items():
            yield key, tuple([posting >> LINE_BITS for posting in postings])

    def _open(self) -> _Mapped:
        mapped = self._mapped
        if mapped is None:
            raise ValueError(f"index {self.generation} is closed")
        return mapped

    def below(self, host: str) -> tuple[ListEntry, ...]:
        """Every entry that names a host, something below it, or a part of one. Raises ValueError on a closed index."""
        mapped = self._open()
        return tuple(
            _entry(mapped.classes[posting >> LINE_BITS], key, posting & LINE)
            for shard in mapped.shards
            for key in shard.trie.iterkeys(f"{host[::-1]}.")
            for posting in shard.postings(key)
        )

    def naming(self, host: str) -> tuple[ListEntry, ...]:
        """Every entry for just this host with all below it. Raises ValueError on a closed index."""
        mapped, key = self._open(), entry_key(host, Covers.DOMAIN, "")
        shard = mapped.shards[shard_of(host)]
        postings = shard.postings(key) if key in shard.trie else ()
        return tuple(_entry(mapped.classes[posting >> LINE_BITS], key, posting & LINE) for posting in postings)

    def domains_below(self, host: str) -> Iterator[str]:
        """The names below a host that entries cover with all below them; some may have to be withheld.

        Raises ValueError on a closed index.
        """
        for shard in self._open().shards:
            for key in shard.trie.iterkeys(f"{host[::-1]}."):
                if "/" not in key and pattern_of(key, Covers.DOMAIN) != host:
                    yield pattern_of(key, Covers.DOMAIN)

    def close(self) -> None:
        """Let go of the files; a look-up that is under way ends well."""
        self._mapped = None


def _known(summary: ListSummary, entry_class: EntryClass) -> _Known:
    withheld = entry_class.category == CHILD_ABUSE
    return _Known(
        category=entry_class.category,
        covers=entry_class.covers,
        list=summary.name,
        list_version=summary.version,
        file="" if withheld else entry_class.file,
        white=entry_class.white,
        withheld=withheld,
    )


def _listed(files: Mapping[str, memoryview], classes: Sequence[_Known]) -> ListedExpressions:
    written = read_expressions(bytes(files[WRITTEN]))
    entries = [_entry(classes[each.entry_class], each.text, each.line) for each in written.expressions]
    return ListedExpressions(written, entries, bytes(files[COMPILED]))


def _entry(known: _Known, key: str, line: int) -> ListEntry:
    category, covers, name, version, file, white, withheld = known
    pattern, line = (WITHHELD, 0) if withheld else (pattern_of(key, covers), line)
    # ListEntry's own constructor takes three times as long, and every look-up of a listed host is here.
    return tuple.__new__(ListEntry, (category, pattern, covers, name, version, file, line, white))


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
