"""When the lists were last asked for, and what came of it: `lists/attempt.json`, for schedule, doctor and status."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from categories.errors import ListsRefused, UpdateBusy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FILE = "attempt.json"

#: Characters of the file that are read: a longer one is not ours.
_FILE_CAP = 1024**2

#: Characters of what a crash says that are kept: it may quote anything.
_CRASH_CAP = 300


@dataclass(frozen=True, slots=True)
class Attempt:
    """One `lists update`. `at` in UTC; `says` is the line that a person would have seen."""

    at: datetime
    failed: bool
    says: str


@contextmanager
def attempt_noted(lists_dir: Path) -> Iterator[list[str]]:
    """Keep what the block says, by the line that it adds last, or what refuses or crashes it."""
    said: list[str] = []
    try:
        yield said
    except UpdateBusy:  # the other one keeps its own
        raise
    except ListsRefused as refused:
        _write(lists_dir, Attempt(datetime.now(UTC), failed=True, says=str(refused)))
        raise
    except Exception as error:
        _write(lists_dir, Attempt(datetime.now(UTC), failed=True, says=_crash(error)))
        raise
    _write(lists_dir, Attempt(datetime.now(UTC), failed=False, says=said[-1] if said else ""))


def last_attempt(lists_dir: Path) -> Attempt | None:
    """The last one, or None where the lists were never asked for, or where that cannot be read."""
    try:
        with (lists_dir / _FILE).open(encoding="utf-8") as file:
            said = json.loads(file.read(_FILE_CAP))
        return Attempt(datetime.fromisoformat(said["at"]).astimezone(UTC), bool(said["failed"]), str(said["says"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _crash(error: Exception) -> str:
    says = "".join(sign if sign.isprintable() else " " for sign in str(error))
    return " ".join(f"{type(error).__name__}: {says}".split())[:_CRASH_CAP]


def _write(lists_dir: Path, attempt: Attempt) -> None:
    fresh = lists_dir / f".{_FILE}"
    try:
        fresh.write_text(json.dumps({**asdict(attempt), "at": attempt.at.isoformat()}), encoding="utf-8")
        fresh.replace(lists_dir / _FILE)
    except OSError:  # a full disk, another owner: the refusal itself is what a person has to see
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
