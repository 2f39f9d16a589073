"""Client addresses whose HTTP/2 connections keep being ended for floods: for a minute they get HTTP/1.1 alone.

Ending one connection costs who floods nothing but a new one. HTTP/1.1 has nothing to flood with, and costs less than to
begin HTTP/2 and refuse it; and to many people behind one address it is a slower page, where a refusal would be none.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from proxy.bounded_cache import BoundedCache

if TYPE_CHECKING:
    from collections.abc import Callable

_ADDRESSES = 10_000
_MINUTE = 60.0


class Floods:
    """Ended connections by client address, as this worker has seen them. `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ended: BoundedCache[str, tuple[float, ...]] = BoundedCache(_ADDRESSES)
        self._until: BoundedCache[str, float] = BoundedCache(_ADDRESSES)

    def count(self, address: str, per_minute: int) -> bool:
        """Count one; True where it is one more than `per_minute`, and HTTP/2 is over for a minute."""
        now = self._clock()
        lately = tuple(each for each in self._ended.get(address) or () if now - each < _MINUTE)
        self._ended.put(address, (*lately, now)[-per_minute:])
        if len(lately) < per_minute:
            return False
        self._until.put(address, now + _MINUTE)
        return True

    def __contains__(self, address: str) -> bool:
        until = self._until.get(address)
        return until is not None and self._clock() < until
