"""When an update waits for a person: rules over what is in force and what would be.

A hold never weakens anything: what is in force stays. What invariant 1 refuses (a floor list that is empty, or smaller
by over 20 %) is refused before, and no person can let it through (categories.floor).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from categories.entries import Covers
from categories.index import EXPRESSIONS
from categories.keys import pattern_of
from categories.review_first import touches
from categories.suffixes import is_shared, shared_hosts, shared_wildcards
from categories.taxonomy import CHILD_ABUSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from categories.difference import ListsDifference
    from categories.index import CategoryIndex
    from categories.review_first import Touch

#: So many entries may go, and come, without being held, however few there are.
HANDFUL = 5
#: How many hosts one reason names; the rest are counted.
_NAMED = 5
#: How many expressions it quotes.
_QUOTED = 3


@dataclass(frozen=True, slots=True)
class HoldLimits:
    """How many of its entries each category of a list may lose, and win, in one update, in percent."""

    shrink: int = 10
    growth: int = 25


def holds(old: CategoryIndex, new: CategoryIndex, changed: ListsDifference, limits: HoldLimits) -> tuple[str, ...]:
    """Why a person has to decide on `new`, one line a reason; none where nobody has to. `changed`: their difference."""
    return (*_sizes(old, new, changed, limits), *_shared_hosts(old, new), *_expressions(old, new), *_reviewed(old, new))


def _sizes(old: CategoryIndex, new: CategoryIndex, changed: ListsDifference, limits: HoldLimits) -> Iterator[str]:
    """Each category of each list by itself, and what came and what went apart: all entries replaced are a change."""
    after = {summary.name for summary in new.lists}
    before = {summary.name: summary for summary in old.lists if summary.name in after}
    for change in changed.changes:
        summary = before.get(change.list)
        if summary is None:  # a list that is new or gone is an act of the settings
            continue
        was = summary.white if change.white else summary.counts.get(change.category, 0)
        what = f"list {change.list}, {'white ' if change.white else ''}{change.category}"
        if change.removed > HANDFUL and change.removed * 100 > was * limits.shrink:
            yield f"{what} loses {change.removed:,} of {was:,} entries, over {limits.shrink} %"
        if change.added > HANDFUL and change.added * 100 > was * limits.growth:
            yield f"{what} wins {change.added:,} entries on {was:,}, over {limits.growth} %"


def _shared_hosts(old: CategoryIndex, new: CategoryIndex) -> Iterator[str]:
    """One entry for such a name covers the sites of thousands of strangers (public suffix list)."""
    behind_wildcards = {host for parent in shared_wildcards() for host in new.domains_below(parent) if is_shared(host)}
    found: dict[tuple[str, str], list[str]] = {}
    for host in sorted(shared_hosts() | behind_wildcards):
        for origin in _origins(new, host) - _origins(old, host):
            found.setdefault(origin, []).append(host)
    for (name, category), hosts in sorted(found.items()):
        which = "" if category == CHILD_ABUSE else f": {_some(hosts)}"
        yield f"list {name} ({category}) would cover all of a shared host{which}"


def _origins(index: CategoryIndex, host: str) -> set[tuple[str, str]]:
    """The lists, with their category, that name just this host and mean all below it."""
    return {(entry.list, entry.category) for entry in index.naming(host) if not entry.white}


def _expressions(old: CategoryIndex, new: CategoryIndex) -> Iterator[str]:
    """Nobody can foresee what an expression matches: `[.]gov/` names no host that another rule could look at."""
    known, before = {each.name for each in old.lists}, _by_origin(old)
    for (name, category), texts in sorted(_by_origin(new).items()):
        fresh = [text for text in texts if text not in before.get((name, category), {})]
        if fresh and name in known:  # a list that is new is an act of the settings
            which = "" if category == CHILD_ABUSE else f": {_some([*map(_quoted, fresh)], _QUOTED)}"
            yield f"list {name} ({category}) brings {len(fresh):,} new expression{'s'[: len(fresh) > 1]}{which}"


def _by_origin(index: CategoryIndex) -> dict[tuple[str, str], dict[str, None]]:
    """The expressions of each list and category, in their order."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for text, numbers in index.keys(EXPRESSIONS):
        for each in map(index.classes.__getitem__, numbers):
            found.setdefault((index.lists[each.list].name, each.category), {})[text] = None
    return found


def _quoted(text: str) -> str:
    return pattern_of(text, Covers.EXPRESSION)


def _reviewed(old: CategoryIndex, new: CategoryIndex) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for touch in touches(old, new):
        found.setdefault(_what(touch), []).append(touch.pattern)
    for what, hosts in found.items():
        yield f"touches the review-first set{what}" + ("" if CHILD_ABUSE in what else f": {_some(hosts)}")


def _what(touch: Touch) -> str:
    listed = "newly listed as" if touch.listed else "no longer listed as"
    kind = f" ({touch.reviewed.kind})" if touch.category != CHILD_ABUSE else ""  # nothing tells which host it is
    return f"{kind}, {listed} {'white in ' if touch.white else ''}{touch.category} by {touch.list}"


def _some(named: list[str], most: int = _NAMED) -> str:
    more = len(named) - most
    return ", ".join(named[:most]) + (f" and {more} more" if more > 0 else "")
