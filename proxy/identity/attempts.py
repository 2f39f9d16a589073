"""How many wrong passwords an address may try: ten a minute (engine.md 16)."""

from __future__ import annotations

from collections import deque

from proxy.bounded_cache import BoundedCache

#: Wrong passwords an address may send in one window.
LIMIT = 10
#: Seconds.
WINDOW = 60.0
_ADDRESSES = 10_000


class Attempts:
    """The last failures of each client address. Times are seconds of one monotonic clock."""

    __slots__ = ("_failures",)

    def __init__(self) -> None:
        self._failures: BoundedCache[str, deque[float]] = BoundedCache(_ADDRESSES)

    def failed(self, client: str, now: float) -> None:
        """Count a wrong password."""
        times = self._failures.get(client)
        if times is None:
            times = deque(maxlen=LIMIT)
        times.append(now)
        self._failures.put(client, times)

    def spent(self, client: str, now: float) -> bool:
        """True when the address has used up its window, so nothing more of it is verified yet."""
        times = self._failures.get(client)
        return times is not None and len(times) == LIMIT and now - times[0] < WINDOW
