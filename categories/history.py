"""What was in force, and by whom: `lists/history.jsonl`, one line each time a generation is put in force."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILE = "history.jsonl"

#: Bytes of its end that are read: a line is some 200, and one comes a night.
_FILE_CAP = 16 * 1024**2


class Kind(StrEnum):
    """How a generation came into force."""

    UPDATE = "update"  # downloaded, and nobody had to decide
    APPLY = "apply"  # held before, and put in force by a person
    COMPILE = "compile"  # from the lists as they lie here
    SETTINGS = "settings"  # other lists, by `config apply`
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Applied:
    """One generation put in force. `at` in UTC."""

    generation: str
    kind: Kind
    at: datetime
    author: str
    reason: str


def append(lists_dir: Path, applied: Applied) -> None:
    """Add a line, and see it to the disk. It begins with a line's end: the one before may have been cut off."""
    line = json.dumps({**asdict(applied), "at": applied.at.isoformat()})
    with (lists_dir / FILE).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
        file.flush()
        os.fsync(file.fileno())


def history(lists_dir: Path) -> tuple[Applied, ...]:
    """Everything that was put in force, the oldest first; a line that is damaged is left out."""
    try:
        with (lists_dir / FILE).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _FILE_CAP))
            lines = file.read(_FILE_CAP).decode("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ()
    return tuple(found for found in map(_read, lines) if found is not None)


def _read(line: str) -> Applied | None:
    try:
        said = json.loads(line)
        at = datetime.fromisoformat(said["at"]).astimezone(UTC)
        return Applied(said["generation"], Kind(said["kind"]), at, said["author"], said["reason"])
    except (ValueError, KeyError, TypeError):
        return None


def before(past: tuple[Applied, ...]) -> str | None:
    """The generation that a rollback leads to: another one takes the way further back, and never forth again."""
    way: list[str] = []
    for applied in past:
        if applied.kind is Kind.ROLLBACK and applied.generation in way:
            del way[way.index(applied.generation) :]
        way.append(applied.generation)
    return way[-2] if len(way) > 1 else None


def last_in_force(past: tuple[Applied, ...], count: int) -> tuple[str, ...]:
    """The generations that were in force last, the newest first, each once."""
    return tuple(dict.fromkeys(applied.generation for applied in reversed(past)))[:count]


def rolled_back(past: tuple[Applied, ...]) -> Applied | None:
    """The rollback after which no update has been put in force yet, if there is one."""
    chosen = [applied for applied in past if applied.kind in (Kind.UPDATE, Kind.APPLY, Kind.ROLLBACK)]
    return chosen[-1] if chosen and chosen[-1].kind is Kind.ROLLBACK else None
