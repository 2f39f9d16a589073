"""What changes between two compiled indexes, by list and category: how many entries, and a few of them.

Both are gone through shard by shard, so no more than a thirty-second of each is in memory at once: 20 s and 140 MiB for
6 million entries each. It is work for a command, not for an event loop.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from categories.index import EXPRESSIONS
from categories.keys import pattern_of
from categories.rows import SHARDS
from categories.taxonomy import CHILD_ABUSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from categories.entries import Covers
    from categories.index import CategoryIndex

#: How many entries that came, and how many that went, are shown by what they cover, of each list and category.
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class ListChange:
    """What came to and went from one category of one list. An entry counts once, in however many files it stands."""

    list: str  # the list's name
    category: str
    white: bool
    added: int
    removed: int
    added_examples: tuple[str, ...]  # what they cover, "example.com"; none for child-abuse
    removed_examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListsDifference:
    """Every category of a list that changed: in the order of the new lists, then those that are gone."""

    changes: tuple[ListChange, ...]

    @property
    def added(self) -> int:
        """Entries that came, in all."""
        return sum(change.added for change in self.changes)

    @property
    def removed(self) -> int:
        """Entries that went, in all."""
        return sum(change.removed for change in self.changes)


def difference(old: CategoryIndex | None, new: CategoryIndex) -> ListsDifference:
    """What `new` has and `old` has not, and the other way round; None is an index without entries.

    Raises ValueError when one of them is closed.
    """
    numbers: dict[_Kind, int] = {}
    before = _Side(numbers, old)
    after = _Side(numbers, new)
    kinds = list(numbers)
    added, removed = _Seen(kinds), _Seen(kinds)
    for shard in (*range(SHARDS), EXPRESSIONS):
        gone = dict(before.keys(shard))
        for key, has in after.keys(shard):
            had = gone.pop(key, _NOTHING)
            if had != has:
                added.add(key, has - had)
                removed.add(key, had - has)
        for key, had in gone.items():
            removed.add(key, had)
    names = [each.name for index in (new, old) if index for each in index.lists]
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    groups = sorted(added.counts | removed.counts, key=lambda group: (places[group.list], group.category, group.white))
    return ListsDifference(tuple(_change(group, added, removed) for group in groups))


class _Group(NamedTuple):
    """What is told apart in the answer."""

    list: str
    category: str
    white: bool


class _Kind(NamedTuple):
    """What tells apart entries with the same key."""

    group: _Group
    covers: Covers


_NOTHING: frozenset[int] = frozenset()


class _Side:
    """An index whose classes are given as numbers of kinds, which it shares with another one."""

    def __init__(self, numbers: dict[_Kind, int], index: CategoryIndex | None) -> None:
        self._index = index
        kinds = _kinds(index) if index else ()
        self._kinds = [frozenset((numbers.setdefault(kind, len(numbers)),)) for kind in kinds]

    def keys(self, shard: int) -> Iterator[tuple[str, frozenset[int]]]:
        """Every key of a shard with its kinds. Most have one: then it is always the same set, which costs no room."""
        for key, classes in self._index.keys(shard) if self._index else ():
            if len(classes) == 1:
                yield key, self._kinds[classes[0]]
            else:
                yield key, frozenset[int]().union(*(self._kinds[each] for each in classes))


def _kinds(index: CategoryIndex) -> Iterator[_Kind]:
    for each in index.classes:
        yield _Kind(_Group(index.lists[each.list].name, each.category, each.white), each.covers)


@dataclass(slots=True)
class _Seen:
    """Entries on one side only: how many of each group, and the first of them."""

    kinds: list[_Kind]
    counts: Counter[_Group] = field(default_factory=Counter)
    examples: defaultdict[_Group, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, key: str, numbers: frozenset[int]) -> None:
        for number in numbers:
            group, covers = self.kinds[number]
            self.counts[group] += 1
            if self.counts[group] <= EXAMPLES and group.category != CHILD_ABUSE:
                self.examples[group].append(pattern_of(key, covers))


def _change(group: _Group, added: _Seen, removed: _Seen) -> ListChange:
    examples = (tuple(seen.examples[group]) for seen in (added, removed))
    return ListChange(*group, added.counts[group], removed.counts[group], *examples)
