"""The time of a head over HTTP/1.1, from its first byte: of a request or of an answer, as the `connection` reads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mitmproxy.proxy import commands

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Commands = Generator[Any, Any, None]


def begin(connection: Any, seconds: float) -> Commands:
    """Start the clock, unless it runs. One wake-up is under way at a time, however often a peer begins."""
    if not getattr(connection, "head_since", None):
        connection.head_since = time.monotonic()
    if not getattr(connection, "head_watched", False):
        yield from _watch(connection, seconds)


def woken(connection: Any, seconds: float, late: Callable[[], Commands]) -> Commands:
    """Do what `late` says where the head that has begun has had its `seconds`; wait on where it is a later one."""
    connection.head_watched = False
    since = getattr(connection, "head_since", None)
    if connection.state != connection.read_headers or not since:
        return
    left = since + seconds - time.monotonic()
    yield from late() if left <= 0 else _watch(connection, left)


def _watch(connection: Any, seconds: float) -> Commands:
    connection.head_watched = True
    yield commands.RequestWakeup(seconds)
