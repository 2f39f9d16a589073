"""What an administrator did to the lists in force, as a row of the usage log: who, when, why, counts, digest.

It is no staff traffic, so it names its author plainly, in `detail`; `user` stays empty (docs/decisions/0014). It goes
through a spool segment of its own, which the collector reads once, as it reads the workers', now or at its next start.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from usage_log.day_reader import microseconds
from usage_log.record import LISTS, nobodys_row
from usage_log.spool import Spool, SpoolFull

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from usage_log.record import DecisionRecord

#: The ways in which lists come into force; the row's reason is "lists." and one of them.
HOW: Final = ("apply", "compile", "rollback", "settings", "update")

#: Where acts have their segments, beside those of workers 0, 1, …; each act has one, as large as its longest frame.
_WORKER: Final = 999
_SEGMENT: Final = 64 * 1024
_QUOTA: Final = 1024 * _SEGMENT

#: Characters of each text, and categories with counts of their own: all of it fits a row's detail (frames.ACT_CAP).
_LENGTHS: Final = {"author": 64, "why": 500, "generation": 64, "digest": 64}
_CATEGORIES: Final = 35
_REST: Final = "others"

type Counts = Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class ListsAct:
    """A generation of the lists that is put into force. `changes`: category -> entries (added, removed)."""

    how: str  # one of HOW
    author: str  # the account at the machine, or the part of the filter that did it by itself
    why: str
    generation: str
    digest: str  # of the sources, or of the generation: what the lists are recognised by
    changes: Counts

    def line(self) -> str:
        """Say it in a line, for a table."""
        counts = ", ".join(f"{name} +{added:,} -{removed:,}" for name, (added, removed) in self.changes.items())
        return f"{self.how}: generation {self.generation} by {self.author} ({self.why}); {counts or 'nothing changed'}"

    def detail(self) -> str:
        """Return it as JSON in one line, cut to what a row has room for."""
        told = asdict(self) | {name: _short(getattr(self, name), length) for name, length in _LENGTHS.items()}
        return json.dumps(told | {"changes": _largest(self.changes)}, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def of(cls, told: Any) -> Self:
        """Read what `detail` wrote. Raises KeyError, TypeError and ValueError for anything else."""
        changes = {str(name): (int(added), int(removed)) for name, (added, removed) in told["changes"].items()}
        texts = {name: str(told[name]) for name in ("how", *_LENGTHS)}
        return cls(**texts, changes=changes)


def act_of(detail: str | None) -> ListsAct | None:
    """Return the act that a row's detail tells of; None for any other text."""
    try:
        return ListsAct.of(json.loads(detail or ""))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def record_of(act: ListsAct, at: datetime, policy_revision: int) -> DecisionRecord:
    """Return the row of an act. Raises ValueError for a `how` that there is not."""
    if act.how not in HOW:
        raise ValueError(f'"{act.how}" is no way in which lists come into force: {", ".join(HOW)}')
    said = {"reason": f"{LISTS}.{act.how}", "detail": act.detail()}
    return nobodys_row(LISTS, microseconds(at), policy_revision, **said)


def record_act(spool: Path, record: DecisionRecord) -> None:
    """Write the row of an act into the spool folder, and bring it to the disk.

    Raises SpoolFull where it cannot be kept: then what it tells of must not be done.
    """
    try:
        writer = Spool(spool, socket.gethostname(), _WORKER, _QUOTA, _SEGMENT)
        try:
            writer.append(record)
        finally:
            writer.close()
        _sync(spool)
    except OSError as error:
        raise SpoolFull(f"{spool}: the change of lists cannot be recorded: {error.strerror}") from error


def _sync(folder: Path) -> None:
    """Make a new file's name durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _short(text: str, length: int) -> str:
    """Return text on one line, within its length; what cannot be printed is a question mark."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:length])


def _largest(changes: Counts) -> dict[str, tuple[int, int]]:
    """Return the changes, the largest first; those beyond what there is room for are added up."""
    ordered = sorted(changes.items(), key=lambda item: (-sum(item[1]), item[0]))
    kept, rest = dict(ordered[:_CATEGORIES]), [counts for _, counts in ordered[_CATEGORIES:]]
    if rest:
        kept[_REST] = (sum(added for added, _ in rest), sum(removed for _, removed in rest))
    return kept
