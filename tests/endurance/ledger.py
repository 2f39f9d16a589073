"""What clients saw answered, held against what the usage log says: nothing lost, nothing doubled."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Balance:
    """The difference between the two, by path."""

    answered: int
    lost: list[str]
    doubled: list[str]


class Ledger:
    """Paths that were answered whole, each asked for once. Used by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._answered: set[str] = set()
        self.counts: Counter[str] = Counter()

    def path(self, kind: str) -> str:
        """Give a path that nobody has asked for."""
        with self._lock:
            self._number += 1
            return f"/{kind}/{self._number:07d}"

    def answered(self, path: str) -> None:
        """Note that a client has the whole answer."""
        with self._lock:
            self._answered.add(path)

    def count(self, what: str) -> None:
        """Count anything else."""
        with self._lock:
            self.counts[what] += 1

    def balance(self, records: Iterable[dict[str, Any]]) -> Balance:
        """Compare with the records; each answered path has one decision."""
        decided = Counter(row["path"] for row in records if row["event"] == "decision")
        return Balance(
            answered=len(self._answered),
            lost=sorted(path for path in self._answered if not decided[path]),
            doubled=sorted(path for path, count in decided.items() if count > 1 and path in self._answered),
        )
