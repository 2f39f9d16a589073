"""Notices that something else was applied, builds it off the event loop, and swaps it in one assignment.

What stays open past its verdict (WebSockets, spliced tunnels, intercepted tunnels also where they are idle) is then
judged again, in slices, and cut where it is blocked now. A build that fails changes nothing: the policy in force
stays, and the failure is told and shown.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Protocol

from proxy.evaluate import evaluate
from proxy.recording import POLICY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from proxy.flow_facts import Tunnel
    from proxy.identity.accounts import Accounts
    from proxy.policy_files import Marks, PolicyFiles
    from proxy.recording import Exchange
    from proxy.worker_state import InForce, WorkerState

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0

#: Everything is built anew this often, changed or not: the revocation list that it holds lasts seven days.
_RENEW_SECONDS = 12 * 3600.0

#: What is open is judged again this often, in seconds.
_JUDGE_SECONDS = 5.0

#: Open exchanges judged again in one turn of the loop: some 2 ms.
_SLICE = 100


class Connection(Protocol):
    """A client's connection inside mitmproxy."""

    tunnel: Tunnel | None  # where the front answered its CONNECT

    def close(self, why: str) -> None:
        """Close it, and with it everything behind it. `why` is the outcome of what that cuts off."""


class PolicyWatch:
    """Keeps a worker's policy what was applied last."""

    def __init__(
        self, state: WorkerState, files: PolicyFiles, marks: Marks, connections: Callable[[], Iterable[Connection]]
    ) -> None:
        """Take the marks of what the state was made from, and what gives the connections that are open."""
        self._connections = connections
        self._state = state
        self._files = files
        self._marks: Marks | None = marks
        self._wake = asyncio.Event()
        self._renew = time.monotonic() + _RENEW_SECONDS
        self._next_judging = time.monotonic() + _JUDGE_SECONDS
        self.problem: str | None = None

    def look_now(self) -> None:
        """Read everything again, changed or not (SIGHUP)."""
        self._marks = None
        self._wake.set()

    async def run(self) -> None:
        """Look once a second, for ever."""
        while True:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._wake.wait()
            if time.monotonic() > self._next_judging:  # hours begin and end without anything being applied
                await self._judge_again()
            marks = await asyncio.to_thread(self._files.marks)
            if marks != self._marks or time.monotonic() > self._renew:
                self._marks, self._renew = marks, time.monotonic() + _RENEW_SECONDS
                await self._swap()

    async def _swap(self) -> None:
        try:
            in_force, accounts = await asyncio.to_thread(self._build)
        except Exception as error:  # invariant 2: whatever is wrong with it, it does not come into force
            self.problem = str(error)
            log.error("what was applied cannot be used, so nothing changes: %s", error)
            return
        self.problem = None
        self._state.in_force = in_force
        self._state.identity.swap(accounts)
        await self._judge_again()

    def _build(self) -> tuple[InForce, Accounts]:
        return self._files.in_force(), self._files.accounts()

    async def _judge_again(self) -> None:
        self._next_judging = time.monotonic() + _JUDGE_SECONDS
        for part in batched([*self._exchanges(), *self._tunnels()], _SLICE):
            for exchange, cut in part:
                if (why := self._why_cut(exchange)) is not None:
                    exchange.outcome, exchange.detail = POLICY, why
                    cut()
            await asyncio.sleep(0)

    def _why_cut(self, exchange: Exchange) -> str | None:
        try:
            return self._blocks_now(exchange)
        except (
            Exception
        ):  # invariant 2: what cannot be judged does not stay open, and the others are judged all the same
            log.exception("what is open cannot be judged again, so it is cut")
            return "cut off: it could not be judged again"

    def _exchanges(self) -> Iterator[tuple[Exchange, Callable[[], None]]]:
        return ((each, partial(_cut_open, each)) for each in self._state.recorder.open if each.cut is not None)

    def _tunnels(self) -> Iterator[tuple[Exchange, Callable[[], None]]]:
        """Give the intercepted tunnels that were allowed. A held one stays: its page may be under way."""
        for connection in self._connections():
            tunnel = connection.tunnel
            if tunnel is not None and tunnel.exchange.verdict.forwards:
                yield tunnel.exchange, partial(connection.close, POLICY)

    def _blocks_now(self, exchange: Exchange) -> str | None:
        facts = replace(exchange.facts, at=datetime.now(UTC))
        if facts.user is not None and not self._state.identity.active(facts.user):
            return "cut off: the account is disabled"
        if evaluate(facts, self._state.in_force.snapshot).forwards:
            return None
        return "cut off: blocked by a later policy"


def _cut_open(exchange: Exchange) -> None:
    """Cut what is still under way: on the connection of what has ended another request may be."""
    if exchange.cut is not None:  # the recorder takes it from what is over
        exchange.cut()
