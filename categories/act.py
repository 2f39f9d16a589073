"""An act that changes the lists: who does it and why, who is told, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from categories.change import Verdicts
from categories.digests import file_digest
from categories.history import Applied
from categories.meta import META_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from categories.change import Change
    from categories.errors import ListsRefused
    from categories.history import Kind
    from categories.index import CategoryIndex
    from categories.meta import ListSummary
    from categories.spool import Progress


@dataclass(frozen=True, slots=True)
class Generation:
    """A compiled generation: its id, its folder, when it was built (UTC) and what is in it."""

    id: str
    folder: Path
    built: datetime
    lists: tuple[ListSummary, ...]
    counts: Mapping[str, Mapping[str, int]]  # entries that block, by category, then by list

    @property
    def digest(self) -> str:
        """SHA-256 of meta.json, which vouches for every other file of the generation."""
        return file_digest(self.folder / META_FILE)

    @property
    def exit_code(self) -> int:
        """1 when a person should look at rejected lines or notes, else 0."""
        return 1 if any(summary.rejected or summary.notes for summary in self.lists) else 0


def silent(what: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


def no_verdicts(old: CategoryIndex, new: CategoryIndex) -> Verdicts:
    """Nothing was visited, or nothing can be said of it."""
    return Verdicts()


def _no_record(applied: Applied, generation: Generation, change: Change) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Act:
    """Who changes the lists, and why; the rest is what a command hands in (proxy/list_acts.py).

    `verdicts` says which visited hosts two indexes judge differently. `record` writes the record of a generation before
    it is put in force: what it raises keeps the old one in force.
    """

    author: str = "breakwater"
    reason: str = ""
    progress: Progress = silent
    verdicts: Callable[[CategoryIndex, CategoryIndex], Verdicts] = no_verdicts
    record: Callable[[Applied, Generation, Change], None] = _no_record

    def applied(self, kind: Kind, generation: Generation) -> Applied:
        """The line of the history for a generation that this act puts in force now."""
        return Applied(generation.id, kind, datetime.now(UTC), self.author, self.reason)


class Result(StrEnum):
    """What came of an act."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"  # nothing is new, so nothing was done
    HELD = "held"  # a person has to decide; what was in force stays


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it, and the generation that is in force now.

    `change` is what was put in force or held, where it was compared; `downloads` says of each list how it came, and
    `failed` what kept others from coming: they stay as they were.
    """

    result: Result
    generation: Generation
    change: Change | None = None
    downloads: tuple[str, ...] = ()
    failed: tuple[ListsRefused, ...] = ()
