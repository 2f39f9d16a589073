"""Is a download quick enough to be worth waiting for? A server that gives a byte now and then is never idle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


class TooSlow(TimeoutError):
    """Bytes come, but fewer than `rate` a second, for `seconds`."""

    def __init__(self, rate: int, seconds: float) -> None:
        super().__init__(f"came slower than {rate:,} bytes a second for {seconds:g} seconds")


type Clock = Callable[[], float]


@dataclass(slots=True)
class Pace:
    """At least `rate` bytes a second, on average over every `seconds`."""

    rate: int
    seconds: float
    clock: Clock
    _since: float = field(init=False)
    _bytes: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._since = self.clock()

    def too_slow(self, count: int) -> bool:
        """Count bytes that came; True when a stretch of time has ended in which too few did."""
        self._bytes += count
        passed = self.clock() - self._since
        if passed < self.seconds:
            return False
        enough = self._bytes >= self.rate * passed
        self._since, self._bytes = self._since + passed, 0
        return not enough
