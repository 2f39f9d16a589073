"""The expressions of an index: two files beside its shards, what their authors wrote and what the engine made of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from categories.expressions import built, matcher_of, matching
from categories.posix_syntax import translated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from categories.entries import ListEntry
    from categories.expression_engine import Matcher

WRITTEN, COMPILED = "expressions.json", "expressions.compiled"


class Expression(NamedTuple):
    """One expression of a list: the number of its class, its line, and what stands there."""

    entry_class: int
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Written:
    """The expressions of an index, each with the number by which the engine knows it: one for all that are alike."""

    expressions: tuple[Expression, ...]
    numbers: tuple[int, ...]

    @property
    def patterns(self) -> list[str]:
        """What the engine was given, by number."""
        texts = dict(zip(self.numbers, (each.text for each in self.expressions), strict=True))
        return [translated(texts[number]) for number in range(len(texts))]

    def by_text(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Each expression once, with the numbers of the classes that have it."""
        found: dict[str, list[int]] = {}
        for each in self.expressions:
            found.setdefault(each.text, []).append(each.entry_class)
        for text, classes in found.items():
            yield text, tuple(classes)


def write_expressions(expressions: Sequence[Expression], folder: Path) -> dict[str, tuple[int, str]]:
    """Write the files, none where there are no expressions; give size and SHA-256 of each. Raises ListRefused."""
    if not expressions:
        return {}
    patterns = [translated(each.text) for each in expressions]
    known = {pattern: number for number, pattern in enumerate(dict.fromkeys(patterns))}
    rows = [(*each, known[pattern]) for each, pattern in zip(expressions, patterns, strict=True)]
    contents = {WRITTEN: json.dumps(rows).encode(), COMPILED: built(list(known))}
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in contents.items()}


def read_expressions(data: bytes) -> Written:
    """What write_expressions was given, from the file as it was written."""
    rows = json.loads(data)
    return Written(tuple(Expression(*row[:3]) for row in rows), tuple(row[3] for row in rows))


class ListedExpressions:
    """Expressions of lists, with the entries that each stands for. Safe from every thread."""

    def __init__(self, written: Written, entries: Sequence[ListEntry], compiled: bytes) -> None:
        """`entries` are those of the expressions, in the same order. Raises IndexRefused, as `matcher_of` does."""
        self.written = written
        self._entries: dict[int, list[tuple[int, ListEntry]]] = {}
        for place, (number, entry) in enumerate(zip(written.numbers, entries, strict=True)):
            self._entries.setdefault(number, []).append((place, entry))
        self._matcher: Matcher = matcher_of(compiled, lambda: written.patterns)

    def covering(self, host: str, path: str, query: str) -> list[ListEntry]:
        """The entries that cover a canonical address, in the order of the lists. `path` is empty where not known."""
        numbers = matching(self._matcher, host, path, query)
        if not numbers:
            return []
        found = sorted((each for number in numbers for each in self._entries[number]), key=itemgetter(0))
        return [entry for _, entry in found]
