"""What waits too long for its origin is broken off, each exchange alone: others of the same connection go on.

Looked for once a second, over everything that is open: a timer of its own for every request would cost more.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from proxy.upstream import TIMEOUT, ours

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxy.recording import Exchange

#: A WebSocket, whose pings are no bytes of its own: the connection's idle time ends it.
_SWITCHED = 101

OVERDUE = ours(TIMEOUT, "nothing came for too long")


def break_off_overdue(exchanges: Iterable[Exchange], seconds: float) -> None:
    """Break off what has an origin and of which nothing has moved for `seconds`; before an answer that is our 504."""
    limit = time.monotonic() - seconds
    for exchange in exchanges:
        if exchange.break_off is not None and exchange.moved < limit and exchange.status != _SWITCHED:
            exchange.break_off(OVERDUE)
            exchange.break_off = None
