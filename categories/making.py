"""Make a generation and compare it with what is in force; nothing of it is in force yet."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from categories.act import Generation
from categories.change import CHANGE_FILE, Change, Verdicts, to_json
from categories.compile import compile_index
from categories.difference import ListChange, ListsDifference, difference
from categories.errors import IndexRefused
from categories.floor import check_floor
from categories.gathering import at_hand
from categories.generations import current, in_force_first, named
from categories.history import history, rolled_back
from categories.holds import holds
from categories.index import CategoryIndex
from categories.meta import read_meta
from categories.starter import starter_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from categories.act import Act
    from categories.holds import HoldLimits
    from categories.sources import ListSource

#: Where a generation's folder keeps the bytes that were downloaded for it, a file a list.
DOWNLOADS = "downloads"

#: Stands for the categories of white entries where they are not told apart.
_WHITE = "white"


@dataclass(frozen=True, slots=True)
class Made:
    """A whole generation in a folder of work, and what it changes."""

    generation: Generation
    change: Change


def make(sources: Sequence[ListSource], lists_dir: Path, work: Path, act: Act) -> Generation:
    """Compile the lists with what lies in `work`/downloads. Raises ListRefused, with FloorRefused."""
    built, scratch = work / "index", work / "scratch"
    built.mkdir(mode=0o700)
    scratch.mkdir(mode=0o700)
    lists = [starter_list(), *at_hand(sources, work / DOWNLOADS, scratch)]
    meta = compile_index(lists, built, act.progress)
    with in_force(lists_dir) as old:
        check_floor(sources, meta.lists, old.counts if old else {})
    (work / DOWNLOADS).rename(built / DOWNLOADS)
    return generation_at(named(lists_dir, built))


def compare(generation: Generation, lists_dir: Path, act: Act, limits: HoldLimits | None = None) -> Made:
    """Say what a new generation changes. Without `limits` a person stands behind it, and nothing holds it."""
    act.progress("comparison", 0, 1)
    with in_force(lists_dir) as old, closing(CategoryIndex.open(generation.folder)) as new:
        changed = difference(old, new)
        change = Change(
            generation=generation.id,
            base=old.generation if old else None,
            made=datetime.now(UTC),
            author=act.author,
            difference=changed,
            verdicts=act.verdicts(old, new) if old else Verdicts(),
            holds=_reasons(old, new, changed, lists_dir, limits) if old and limits else (),
        )
    (generation.folder / CHANGE_FILE).write_bytes(to_json(change))
    act.progress("comparison", 1, 1)
    return Made(generation, change)


def is_in_force(generation: Generation, lists_dir: Path) -> bool:
    """True when a new generation says what the one in force says, entry by entry, by the same lists and settings."""
    try:
        new, now = read_meta(generation.folder), read_meta(current(lists_dir))
    except IndexRefused:
        return False
    versions = [[summary.version for summary in meta.lists] for meta in (new, now)]
    return (new.sources, new.files, versions[0]) == (now.sources, now.files, versions[1])


def _reasons(
    old: CategoryIndex, new: CategoryIndex, changed: ListsDifference, lists_dir: Path, limits: HoldLimits
) -> tuple[str, ...]:
    """Why a person has to decide. After a rollback always: the server still has what was rolled back."""
    back = rolled_back(history(lists_dir))
    first = [f"the lists were rolled back on {back.at:%Y-%m-%d} by {back.author}: {back.reason}"] if back else []
    return (*first, *holds(old, new, changed, limits))


def net_change(old: Generation | None, new: Generation, act: Act) -> Change:
    """What changes by the counts alone, in no time: for a generation that was compared when it was new."""
    was, is_ = _sizes(old) if old else {}, _sizes(new)
    changes = []
    for group in sorted({*was, *is_}):
        more = is_.get(group, 0) - was.get(group, 0)
        if more:
            changes.append(ListChange(*group, max(more, 0), max(-more, 0), (), ()))
    return Change(
        new.id, old.id if old else None, datetime.now(UTC), act.author, ListsDifference(tuple(changes)), Verdicts(), ()
    )


def _sizes(generation: Generation) -> dict[tuple[str, str, bool], int]:
    """Entries by list, category, and whether they are white ones, which are counted together."""
    found: dict[tuple[str, str, bool], int] = {}
    for summary in generation.lists:
        found |= {(summary.name, category, False): count for category, count in summary.counts.items()}
        if summary.white:
            found[summary.name, _WHITE, True] = summary.white
    return found


def generation_at(folder: Path) -> Generation:
    """What a generation says about itself. Raises IndexRefused."""
    meta = read_meta(folder)
    return Generation(folder.name, folder, meta.built, meta.lists, meta.counts)


@contextmanager
def in_force(lists_dir: Path) -> Iterator[CategoryIndex | None]:
    """The index in force, or of the newest generation that can still be read: what the floor must not shrink from."""
    found = next(_readable(lists_dir), None)
    if found is None:
        yield None
        return
    with closing(found):
        yield found


def _readable(lists_dir: Path) -> Iterator[CategoryIndex]:
    for folder in in_force_first(lists_dir):
        try:
            yield CategoryIndex.open(folder)
        except IndexRefused:
            continue
