"""Around the lists in force: what waits for a person, the last attempt, the generations that can be rolled back to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from categories.attempts import last_attempt
from categories.generations import current, kept
from categories.held import held
from categories.history import history

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from categories.attempts import Attempt
    from categories.change import Change
    from categories.history import Applied


@dataclass(frozen=True, slots=True)
class Past:
    """`applied`: the last time that each kept generation was put in force, the newest first."""

    current: str
    applied: tuple[Applied, ...]
    attempt: Attempt | None
    waits: Change | None


def past_of(lists_dir: Path) -> Past:
    """Read it. Raises IndexRefused where no lists are in force, ListRefused for a damaged change."""
    there = {folder.name for folder in kept(lists_dir)}
    last = {applied.generation: applied for applied in history(lists_dir) if applied.generation in there}
    newest = tuple(sorted(last.values(), key=lambda applied: applied.at, reverse=True))
    waiting = held(lists_dir)
    return Past(current(lists_dir).name, newest, last_attempt(lists_dir), waiting.change if waiting else None)


def past_json(past: Past) -> dict[str, Any]:
    """`Past`, fit for JSON."""
    return {
        "held": {"generation": past.waits.generation, "reasons": list(past.waits.holds)} if past.waits else None,
        "last_update": _attempt(past.attempt) if past.attempt else None,
        "generations": [
            {
                "generation": applied.generation,
                "in_force": applied.generation == past.current,
                "kind": applied.kind.value,
                "at": applied.at.isoformat(timespec="seconds"),
                "author": applied.author,
                "reason": applied.reason,
            }
            for applied in past.applied
        ],
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {"at": attempt.at.isoformat(timespec="seconds"), "failed": attempt.failed, "says": attempt.says}


def past_lines(past: Past) -> Iterator[str]:
    """`Past`, for a person."""
    for applied in past.applied:
        mark = "in force" if applied.generation == past.current else "kept"
        by = f"{applied.kind.value} {applied.at:%Y-%m-%d %H:%M} UTC by {applied.author}: {applied.reason}"
        yield f"{applied.generation}  {mark:8}  {by}"
    if past.attempt and (not past.applied or past.attempt.at > past.applied[0].at):
        yield f"last update {past.attempt.at:%Y-%m-%d %H:%M} UTC: {past.attempt.says}"
    if past.waits:
        yield f"{past.waits.generation} waits for a person; see: breakwater lists diff"
