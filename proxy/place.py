"""One worker number: the worker that holds it, and for a while the one that it replaces."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.child import Child, ChildRefused
from proxy.recycling import RETIRED_SECONDS
from proxy.status import WorkerStatus, status_of

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

#: A replacement must accept connections within this time, in seconds.
_SPEAK_SECONDS = 60.0

#: What a worker may take to stop after the drain time, in seconds.
GRACE_SECONDS = 10.0


@dataclass(slots=True, eq=False)
class _Worker:
    """A worker that is kept running, and what it said last."""

    child: Child
    running: asyncio.Task[None]
    status: WorkerStatus | None = None


class Place:
    """Keeps a worker running under one number. `make` gives the child that is to be heard by its argument."""

    def __init__(self, number: int, make: Callable[[Callable[[bytes], None]], Child], drain_seconds: float) -> None:
        self.number = number
        self._make = make
        self._drain_seconds = drain_seconds
        self._all: set[_Worker] = set()
        self._holder: _Worker | None = None
        self._retirements: set[asyncio.Task[None]] = set()

    @property
    def retires(self) -> bool:
        """Whether a worker that was replaced is still there: there are never more than two of a number."""
        return bool(self._retirements)

    @property
    def status(self) -> WorkerStatus | None:
        """What the worker that holds the place said last."""
        return self._holder.status if self._holder else None

    def start(self) -> None:
        """Start the first worker."""
        self._holder = self._started()

    def raise_failure(self) -> None:
        """Raise what ended the worker for good: ChildRefused."""
        if self._holder is not None and self._holder.running.done():
            self._holder.running.result()

    def each(self) -> list[Child]:
        """Give every worker of this number: the one that holds it, its replacement, one that retires."""
        return [worker.child for worker in self._all]

    async def replace(self) -> bool:
        """Start another worker, and when it accepts let the old one retire; False where it is no better.

        Both take connections for a moment, so none is lost. The old one goes on with what is under way in it.
        """
        fresh = self._started()
        if not await self._is_well(fresh):
            await self._end(fresh)
            return False
        old, self._holder = self._holder, fresh
        if old is not None:
            retirement = asyncio.create_task(self._retire(old))
            self._retirements.add(retirement)
            retirement.add_done_callback(self._retirements.discard)
        return True

    async def stop(self) -> None:
        """Let every worker of this number drain, one that retires too."""
        await asyncio.gather(*(self._end(worker) for worker in list(self._all)), *self._retirements)

    def _started(self) -> _Worker:
        def hear(line: bytes) -> None:
            worker.status = status_of(line)

        child = self._make(hear)
        worker = _Worker(child, asyncio.create_task(child.keep_running()))
        self._all.add(worker)
        return worker

    async def _is_well(self, worker: _Worker) -> bool:
        """Wait until a worker accepts; it must not have a problem that the old one may not have."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SPEAK_SECONDS):
                while worker.status is None and not worker.running.done():  # noqa: ASYNC110  # a process has no event
                    await asyncio.sleep(0.02)
        status = worker.status
        return status is not None and status.problem is None and status.spool is None

    async def _retire(self, worker: _Worker) -> None:
        worker.child.retire()
        await asyncio.wait([worker.running], timeout=RETIRED_SECONDS)
        await self._end(worker)

    async def _end(self, worker: _Worker) -> None:
        drain = worker.status.drain_seconds if worker.status else self._drain_seconds
        await worker.child.stop(drain + GRACE_SECONDS)
        try:
            await worker.running
        except ChildRefused as refused:
            log.error("%s", refused)
        self._all.discard(worker)
