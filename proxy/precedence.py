"""The one table that orders everything the policy says about a request (DESIGN.md, "Precedence").

All that matched goes through the rows from top to bottom. A row takes the matches that it is about. A row that blocks
or monitors ends with the first match it took; a row that lifts takes its matches away, and the next row goes on with
the rest. What is left at the end is allowed. So an unblock or a white list never covers a match that it does not name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from categories.taxonomy import CATEGORIES, CHILD_ABUSE, FLOOR, RELAXABLE
from proxy import reasons
from proxy.category_rules import ALLOWED, UNLESS_SET, CategoryRule, action_of
from proxy.verdict import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from proxy.unblock import Unblock
    from proxy.verdict import Match


class Effect(StrEnum):
    """What a row does with the matches that it takes."""

    BLOCK = "block"
    MONITOR = "monitor"
    LIFT = "lift"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the rows know beside the matches."""

    groups: frozenset[str]
    local: datetime  # the district's wall clock
    rules: Mapping[str, CategoryRule]
    unblocks: tuple[Unblock, ...]  # those in force for this host and path
    white: bool  # a white list names it


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    effect: Effect
    takes: Callable[[Match, Circumstances], bool]


def _is_child_abuse(match: Match, _: Circumstances) -> bool:
    return match.category == CHILD_ABUSE


def _is_floor_lifted_by_two(match: Match, now: Circumstances) -> bool:
    return match.category in FLOOR and lifting(match, now) is not None


def _is_floor(match: Match, _: Circumstances) -> bool:
    return match.category in FLOOR


def _is_its_block(match: Match, _: Circumstances) -> bool:
    return match.reason == reasons.ITS_BLOCK


def _is_lifted(match: Match, now: Circumstances) -> bool:
    return lifting(match, now) is not None


def _is_bypass_or_p2p(match: Match, now: Circumstances) -> bool:
    if reasons.is_technique(match.reason):
        return _category_action(match, now) is not Action.MONITOR  # a category that it carries may be on trial
    return match.category in RELAXABLE


def _is_white_listed(match: Match, now: Circumstances) -> bool:
    return now.white and match.category not in _NEVER_WHITE


def _is_blocked_category(match: Match, now: Circumstances) -> bool:
    return _category_action(match, now) is Action.BLOCK


def _is_monitored_category(match: Match, now: Circumstances) -> bool:
    return _category_action(match, now) is Action.MONITOR


TABLE: tuple[Row, ...] = (
    Row("child-abuse", Effect.BLOCK, _is_child_abuse),
    Row("floor unblocked by two people", Effect.LIFT, _is_floor_lifted_by_two),
    Row("floor", Effect.BLOCK, _is_floor),
    Row("ITS block", Effect.BLOCK, _is_its_block),
    Row("ITS unblock", Effect.LIFT, _is_lifted),
    Row("bypass and p2p", Effect.BLOCK, _is_bypass_or_p2p),
    Row("white list", Effect.LIFT, _is_white_listed),
    Row("category, for the user's group and hour", Effect.BLOCK, _is_blocked_category),
    Row("monitored category", Effect.MONITOR, _is_monitored_category),
)
DEFAULT_ROW = Row("default", Effect.ALLOW, lambda _match, _now: True)

#: White lists never cover these: DESIGN.md, "Precedence". Bypass and p2p are decided above them.
_NEVER_WHITE = FLOOR | RELAXABLE | {"malware", "phishing"}


@dataclass(frozen=True, slots=True)
class Lifted:
    """A match that a row took away, and the unblock that did it (None: a white list)."""

    match: Match
    row: Row
    unblock: Unblock | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What the table says: the row that decided, the match that won, what was lifted on the way, and what stayed."""

    row: Row
    winner: Match | None
    lifted: tuple[Lifted, ...]
    matches: tuple[Match, ...]  # all of them, in the order of the table's ties


def settle(matches: tuple[Match, ...], now: Circumstances) -> Settlement:
    """Send the matches that apply to this user at this hour through the table, in whatever order they were found."""
    ordered = tuple(sorted(matches, key=_weight))
    remaining = [match for match in ordered if applies(match, now)]
    if not remaining:
        return Settlement(DEFAULT_ROW, None, (), ordered)
    lifted: list[Lifted] = []
    for row in TABLE:
        taken = [match for match in remaining if row.takes(match, now)]
        if row.effect is Effect.LIFT:
            lifted += (Lifted(match, row, lifting(match, now)) for match in taken)
            remaining = [match for match in remaining if match not in taken]
        elif taken:
            return Settlement(row, taken[0], tuple(lifted), ordered)
    return Settlement(lifted[0].row if lifted else DEFAULT_ROW, None, tuple(lifted), ordered)


def lifting(match: Match, now: Circumstances) -> Unblock | None:
    """The unblock in force that names this match; for a floor category, one by two different people."""
    if match.category == CHILD_ABUSE or match.reason in reasons.NEVER_LIFTED:
        return None
    named = match.reason if match.category is None or reasons.is_technique(match.reason) else match.category
    for unblock in now.unblocks:
        if named in unblock.lifts and (match.category not in FLOOR or unblock.by_two):
            return unblock
    return None


def applies(match: Match, now: Circumstances) -> bool:
    """True when the match would stop the request or be monitored, were it alone.

    A technique that carries a category follows it: relaxed for a group with it, and on the floor with it.
    """
    if match.category is None:
        return True  # a technique, or a block by ITS
    return match.reason != reasons.WHITE_LIST and _category_action(match, now) is not Action.ALLOW


def _category_action(match: Match, now: Circumstances) -> Action:
    if match.category is None:
        return Action.ALLOW
    rule = now.rules.get(match.category) or UNLESS_SET.get(match.category, ALLOWED)
    return action_of(match.category, rule, now.groups, now.local)


_RANK = {category.id: rank for rank, category in enumerate(CATEGORIES)}
#: A lie about the destination comes first, but where it is known what it is for: a browser tells none of these.
_TECHNIQUE_RANK = {
    reasons.ECH: -7,
    reasons.TOR: -7,
    reasons.PROXY_CHAIN: -7,
    reasons.MISMATCH: -6,
    reasons.PRIVATE: -3,
    reasons.LITERAL: -2,
    reasons.PORT: -1,
}


def _weight(match: Match) -> tuple[int, str, str, str, int, str, str, str]:
    """Ties within a row: techniques before lists (they say what was done), then the taxonomy's order, then by text."""
    if reasons.is_technique(match.reason):
        rank = _TECHNIQUE_RANK.get(match.reason, -5 if match.reason.startswith("p2p.") else -4)
    else:
        rank = _RANK.get(match.category or "", len(_RANK))
    place = (match.list or "", match.file or "", match.line or 0)
    return (rank, match.reason, *place, match.entry or "", match.list_version or "", match.covers or "")
