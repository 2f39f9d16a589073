"""The client connections of one worker: how many each address holds, and which of them wait for a head."""

from __future__ import annotations

import time
from collections import Counter
from typing import Protocol


class Waiting(Protocol):
    """A connection as it is counted."""

    client: str

    @property
    def idle(self) -> bool:
        """True while nothing is lost by closing it."""

    def close(self) -> None:
        """Close it after what is written."""


class Connections:
    """Admits connections, up to `per_client` of one address and `total` of all."""

    def __init__(self, per_client: int, total: int) -> None:
        self.per_client = per_client
        self._total = total
        self._open: dict[Waiting, float] = {}  # and since when, in monotonic seconds
        self._by_client: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: Waiting) -> bool:
        """Count a connection; False where it is one too many and must be closed."""
        if len(self._open) >= self._total or self._by_client[connection.client] >= self.per_client:
            return False
        self._open[connection] = time.monotonic()
        self._by_client[connection.client] += 1
        return True

    def forget(self, connection: Waiting) -> None:
        """Take a connection out of the count. Later calls do nothing."""
        if connection not in self._open:
            return
        del self._open[connection]
        self._by_client[connection.client] -= 1
        if not self._by_client[connection.client]:
            del self._by_client[connection.client]

    def close_idle(self, seconds: float) -> None:
        """Close what has waited for a head that long: who has just connected is about to ask."""
        latest = time.monotonic() - seconds
        for connection in [each for each, since in self._open.items() if each.idle and since <= latest]:
            connection.close()
