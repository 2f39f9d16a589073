"""A change of the lists, for people and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from categories.act import Result
from categories.change import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from categories.act import Outcome
    from categories.change import Change

#: How many hosts whose verdict changes are shown to a person; a program gets all.
SHOWN = 20


def change_lines(change: Change, *, waits: bool) -> Iterator[str]:
    """Everything that a person needs to decide on a change, or to see what it did."""
    against = f"against {change.base}" if change.base else "the first one"
    yield f"generation {change.generation}, {against}, made {change.made:%Y-%m-%d %H:%M} UTC by {change.author}"
    if change.base is None:
        yield f"{change.difference.added:,} entries, and nothing to compare them with"
    else:
        yield from _difference_lines(change)
        yield from _verdict_lines(change)
    for reason in change.holds:
        yield f"held: {reason}" if waits else f"was held: {reason}"
    if waits:
        yield f"put it in force: breakwater lists apply {change.generation} --reason TEXT"


def _difference_lines(change: Change) -> Iterator[str]:
    for each in change.difference.changes:
        kind = "white " if each.white else ""
        yield f"list {each.list}, {kind}{each.category}: +{each.added:,} -{each.removed:,} entries"
        for sign, examples, count in (
            ("+", each.added_examples, each.added),
            ("-", each.removed_examples, each.removed),
        ):
            if examples:
                more = f" and {count - len(examples):,} more" if count > len(examples) else ""
                yield f"  {sign} {', '.join(examples)}{more}"


def change_json(change: Change, *, waits: bool) -> dict[str, Any]:
    """All of a change, fit for JSON; `waits` is true while it is held."""
    return {"waits": waits, **json.loads(to_json(change))}


def _verdict_lines(change: Change) -> Iterator[str]:
    changed = change.verdicts.changed
    yield f"hosts visited by three people or more in the last 30 days that change verdict: {len(changed):,}"
    for each in changed[:SHOWN]:
        yield f"  {each.host}: {each.before} -> {each.after} ({each.people} people)"
    if len(changed) > SHOWN:
        yield f"  and {len(changed) - SHOWN:,} more; see: breakwater lists diff --json"
    yield from change.verdicts.unread


def outcome_line(outcome: Outcome) -> str:
    """One line: what came of an act on the lists."""
    id_ = outcome.generation.id
    match outcome.result:
        case Result.UNCHANGED:
            return f"nothing is new; generation {id_} stays in force"
        case Result.HELD:
            count = len(outcome.change.holds) if outcome.change else 0
            reasons = "1 reason" if count == 1 else f"{count} reasons"
            return f"held for a person, for {reasons}; generation {id_} stays in force; see: breakwater lists diff"
        case Result.APPLIED:
            return f"generation {id_} is in force"
