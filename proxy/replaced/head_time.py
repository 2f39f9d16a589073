"""The time of a head over HTTP/1.1, from its first byte: of a request or of an answer, as the `connection` reads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mitmproxy.proxy import commands

if TYPE_CHECKING:
    from collections.abc import Generator


def begin(connection: Any, seconds: float) -> Generator[Any, Any, None]:
    """Start the clock, unless it runs. One wake-up is under way at a time, however often a peer begins."""
    if not getattr(connection, "head_since", None):
        connection.head_since = time.monotonic()
    if not getattr(connection, "head_watched", False):
        yield from watch(connection, seconds)


def watch(connection: Any, seconds: float) -> Generator[Any, Any, None]:
    """Ask for a wake-up."""
    connection.head_watched = True
    yield commands.RequestWakeup(seconds)


def left(connection: Any, seconds: float) -> float | None:
    """Give what is left of `seconds` for the head that has begun; None where there is none."""
    since = getattr(connection, "head_since", None)
    return since + seconds - time.monotonic() if since else None
