"""A change of the lists: a compiled generation beside the one in force, and what a person needs to decide on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from categories.difference import ListsDifference  # noqa: TC001 - as above
from categories.errors import ListRefused

if TYPE_CHECKING:
    from pathlib import Path

#: Where a generation's folder keeps what it changed.
CHANGE_FILE = "change.json"

#: Bytes of it that are read: 100,000 visited hosts take some 20 MB.
_FILE_CAP = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class ChangedVerdict:
    """A host that people visited in the last 30 days, and what becomes of its verdict. `people` is 3 or more."""

    host: str
    people: int
    before: str  # "allow default"
    after: str  # "block category.pornography"


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Visited hosts whose verdict changes; and a line for each thing that could not be compared."""

    changed: tuple[ChangedVerdict, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What a new generation changes against the one that was in force when it was made."""

    generation: str  # its id
    base: str | None  # the id of the generation that it is compared with; None for the first one
    made: datetime  # UTC
    author: str
    difference: ListsDifference
    verdicts: Verdicts
    holds: tuple[str, ...]  # why a person has to decide; empty where nobody has to


_CHANGE = TypeAdapter(Change)


def to_json(change: Change) -> bytes:
    """The bytes of a change's file."""
    return _CHANGE.dump_json(change, indent=1)


def change_of(folder: Path) -> Change:
    """What a generation changed, by its folder. Raises ListRefused where that is missing or damaged."""
    path = folder / CHANGE_FILE
    try:
        with path.open("rb") as file:
            return _CHANGE.validate_json(file.read(_FILE_CAP))
    except (OSError, ValidationError) as problem:
        raise ListRefused(f"cannot read {path}; run: breakwater lists update") from problem
