"""When an update waits for a person: rules over what is in force and what would be.

A hold never weakens anything: what is in force stays. What invariant 1 refuses (a floor list that is empty, or smaller
by over 20 %) is refused before, and no person can let it through (categories.floor).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from categories.entries import Covers
from categories.review_first import touches
from categories.suffixes import private_suffixes
from categories.taxonomy import CHILD_ABUSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from categories.index import CategoryIndex
    from categories.review_first import Touch

#: A list may change by this many entries without being held, whatever its size.
HANDFUL = 5
#: How many hosts one reason names; the rest are counted.
_NAMED = 5


@dataclass(frozen=True, slots=True)
class HoldLimits:
    """How much of its entries a list may lose or win in one update, in percent."""

    shrink: int = 10
    growth: int = 25


def holds(old: CategoryIndex, new: CategoryIndex, limits: HoldLimits) -> tuple[str, ...]:
    """Why a person has to decide on `new`, one line a reason; none where nobody has to."""
    return (*_sizes(old, new, limits), *_shared_hosts(old, new), *_reviewed(old, new))


def _sizes(old: CategoryIndex, new: CategoryIndex, limits: HoldLimits) -> Iterator[str]:
    before = {summary.name: summary.entries for summary in old.lists}
    for summary in new.lists:
        was = before.get(summary.name)
        if was is None or abs(summary.entries - was) <= HANDFUL:  # a new list is an act of the settings
            continue
        if summary.entries * 100 < was * (100 - limits.shrink):
            yield f"list {summary.name} shrinks from {was:,} to {summary.entries:,} entries, over {limits.shrink} %"
        elif summary.entries * 100 > was * (100 + limits.growth):
            yield f"list {summary.name} grows from {was:,} to {summary.entries:,} entries, over {limits.growth} %"


def _shared_hosts(old: CategoryIndex, new: CategoryIndex) -> Iterator[str]:
    """One entry for such a name covers the sites of thousands of strangers (public suffix list, private section)."""
    found: dict[tuple[str, str], list[str]] = {}
    for suffix in sorted(private_suffixes()):
        for origin in _whole(new, suffix) - _whole(old, suffix):
            found.setdefault(origin, []).append(suffix)
    for (name, category), hosts in sorted(found.items()):
        yield f"list {name} ({category}) would cover all of a shared host: {_some(hosts)}"


def _whole(index: CategoryIndex, suffix: str) -> set[tuple[str, str]]:
    """The lists, with their category, that name just this host and mean all below it."""
    found = (entry for entry in index.lookup(suffix) if entry.covers is Covers.DOMAIN and not entry.white)
    return {(entry.list, entry.category) for entry in found if entry.pattern == suffix}


def _reviewed(old: CategoryIndex, new: CategoryIndex) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for touch in touches(old, new):
        found.setdefault(_what(touch), []).append(touch.reviewed.host)
    for what, hosts in found.items():
        yield f"touches the review-first set{what}" + ("" if CHILD_ABUSE in what else f": {_some(hosts)}")


def _what(touch: Touch) -> str:
    listed = "newly listed as" if touch.listed else "no longer listed as"
    kind = f" ({touch.reviewed.kind})" if touch.category != CHILD_ABUSE else ""  # nothing tells which host it is
    return f"{kind}, {listed} {'white in ' if touch.white else ''}{touch.category} by {touch.list}"


def _some(hosts: list[str]) -> str:
    more = len(hosts) - _NAMED
    return ", ".join(hosts[:_NAMED]) + (f" and {more} more" if more > 0 else "")
