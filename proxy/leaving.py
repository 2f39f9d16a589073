"""How a worker that takes no further connections ends those it has: each when nothing is under way on it."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from proxy.recording import DRAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from proxy.accepting import Accepting
    from proxy.connections import Connections
    from proxy.master import Handler

#: A kept connection is closed when it has been silent for this long, in seconds: one on which a request has just been
#: answered may be bringing the next, and that one is answered with `Connection: close`.
_QUIET_SECONDS = 1.0


class Leaving:
    """Looks after what is open in a worker that accepts no more. `handlers()` are those inside mitmproxy."""

    def __init__(
        self, connections: Connections, accepting: Accepting, handlers: Callable[[], Iterable[Handler]]
    ) -> None:
        self._connections = connections
        self._accepting = accepting
        self._handlers = handlers
        self._told: WeakKeyDictionary[Handler, float] = WeakKeyDictionary()

    async def until(self, over: Callable[[], bool], pause: float) -> None:
        """Close what is quiet, and leave alone what is under way, until nothing is open or it is `over()`.

        `pause` are the seconds between two looks: each goes through everything that is open.
        """
        while not over():
            self._connections.close_idle(_QUIET_SECONDS)
            for handler in list(self._handlers()):
                await self._tell(handler)
                if handler.idle and time.monotonic() - handler.timeout_watchdog.last_activity > _QUIET_SECONDS:
                    handler.close(DRAIN)
            if not len(self._connections) and not self._accepting.greeting:
                return
            await asyncio.sleep(pause)

    async def _tell(self, handler: Handler) -> None:
        """Announce the end of a connection, and what it has sent a moment later is the last (RFC 9113, section 6.8)."""
        now, told = time.monotonic(), self._told
        if handler not in told or now - told[handler] > _QUIET_SECONDS:
            told[handler] = math.inf if handler in told else now
            handler.draining = True
            await handler.leave()
