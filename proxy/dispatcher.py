"""Every hook goes through here: what goes wrong in one becomes a block, or the end of the connection.

Stock mitmproxy logs an exception in a hook as "Addon error" and delivers the traffic (reference/mitmproxy.md, section
0).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from proxy.failing import is_ours

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.master import Handler

    #: A hook that has begun and waits.
    Begun = asyncio.Task[None]

log = logging.getLogger(__name__)


class Hooks(Protocol):
    """What the dispatcher asks of the addon."""

    def hook(self, name: str) -> Callable[[Handler, Any], Any] | None:
        """Give the method for a hook, if there is one."""

    def refuse(self, handler: Handler, data: object, hook: str, error: BaseException) -> bool:
        """Answer instead of a hook that failed; False where it is too late for an answer."""

    def broken(self, handler: Handler, data: object, what: str, error: BaseException) -> None:
        """Record what is cut off because `what` failed."""


class Dispatcher:
    """Runs a hook; what goes wrong in it becomes a block, or the end of the connection."""

    def __init__(self, hooks: Hooks, seconds: float) -> None:
        self._hooks = hooks
        self._seconds = seconds

    def hears(self, name: str) -> bool:
        """Say whether the addon has the hook of that name."""
        return self._hooks.hook(name) is not None

    async def run(self, handler: Handler, name: str, data: object) -> None:
        """Run the hook of that name, if the addon has one. Never raises but for a cancellation of our own task."""
        begun = self.begin(handler, name, data)
        if begun is not None:
            await self.finish(handler, name, data, begun)

    def begin(self, handler: Handler, name: str, data: object) -> Begun | None:
        """Run a hook as far as it goes without waiting; give what is left of it for `finish`. Never raises.

        It has a task of its own, so that its cancellation is its own; most are done when it is made.
        """
        method = self._hooks.hook(name)
        if method is None:
            return None
        try:
            if (answer := method(handler, data)) is None:
                return None
            begun: Begun = asyncio.Task(answer, loop=asyncio.get_running_loop(), eager_start=True)
            if not begun.done():
                return begun
            begun.result()
        except (Exception, asyncio.CancelledError) as error:  # invariant 2: whatever fails here becomes a block
            self._fail_closed(handler, data, name, error)
        return None

    async def finish(self, handler: Handler, name: str, data: object, begun: Begun) -> None:
        """Wait for a hook that has begun. Never raises but for a cancellation of our own task."""
        try:
            async with asyncio.timeout(self._seconds):
                await begun
        except asyncio.CancelledError as error:
            if is_ours():
                raise
            self._fail_closed(handler, data, name, error)
        except Exception as error:  # invariant 2: whatever fails here becomes a block
            self._fail_closed(handler, data, name, error)

    def _fail_closed(self, handler: Handler, data: object, name: str, error: BaseException) -> None:
        log.error("%s failed, so the answer is a block", name, exc_info=error)
        try:
            answered = self._hooks.refuse(handler, data, name, error)
        except (Exception, asyncio.CancelledError):  # even the refusal failed: nothing may pass
            log.exception("the refusal of %s failed, so the connection is cut", name)
            answered = False
        if not answered:
            self.cut(handler, data, name, error)

    def cut(self, handler: Handler, data: object, what: str, error: BaseException) -> None:
        """End a connection on which `what` failed too late for an answer, and record it."""
        handler.cut()
        try:
            self._hooks.broken(handler, data, what, error)
        except (Exception, asyncio.CancelledError):  # the log is what failed: it is said where an operator looks
            log.exception("not recorded: %s failed and its connection was cut", what)
