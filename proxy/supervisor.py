"""The parent: runs the workers and the collector on the sockets that it is given, and restarts what dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.child import Child
from proxy.handover import Successor
from proxy.list_schedule import ListSchedule
from proxy.list_watch import ListWatch
from proxy.listening import for_worker
from proxy.notify import notify
from proxy.place import GRACE_SECONDS, Place
from proxy.status import collector_status_of, write_statuses

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from proxy.handover import Inherited
    from proxy.listening import Listen, Listener
    from proxy.status import CollectorStatus, WorkerStatus
    from proxy.tenure import Tenure

log = logging.getLogger(__name__)

#: A worker that says nothing for this long hangs, and is killed, in seconds (reference/engine.md, item 13).
SILENCE_SECONDS = 10.0

#: The module that a worker process runs; tests/faults puts one with faults in its place.
WORKER = "proxy.worker"

#: A collector that says nothing for this long hangs too, in seconds. It has more time: only the spool waits for it.
_COLLECTOR_SILENCE_SECONDS = 30.0

#: A worker that starts has this long to say its first word, in seconds.
_START_SECONDS = 60.0

#: A successor that is not ready after this long is ended, in seconds: a little before `breakwater upgrade` gives up.
_SUCCESSOR_SECONDS = 570.0

#: The workers' word is written down at least this often, in seconds: an old one says that nobody speaks.
_WRITE_SECONDS = 5.0

#: A worker that cannot be replaced now is left in peace for this long, in seconds.
_RECYCLE_AGAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run."""

    state_dir: Path
    listen: tuple[Listen, ...]
    workers: int
    metrics: str
    drain_seconds: float


class Supervisor:
    """Runs children until SIGTERM or SIGINT, or until a successor has taken over."""

    def __init__(self, plan: Plan, listeners: list[Listener], tenure: Tenure, announce: Callable[[str], None]) -> None:
        self._plan = plan
        self._listeners = listeners
        self._tenure = tenure
        self._announce = announce
        self._stopping = asyncio.Event()
        self._collector_status: CollectorStatus | None = None
        self._written: list[WorkerStatus] = []
        self._write_again = 0.0
        self._writing: asyncio.Task[None] | None = None
        self._places = [Place(number, self._maker(number), plan.drain_seconds) for number in range(plan.workers)]
        self._collector = Child("collector", self._collector_command(), self._heard_collector)
        self._chores: list[asyncio.Task[None]] = []
        self._recycling: asyncio.Task[None] | None = None
        self._recycle_again = 0.0
        self._upgrading: asyncio.Task[None] | None = None
        self._successor: Successor | None = None
        self._handed_over = False

    async def run(self, inherited: Inherited | None = None) -> None:
        """Start everything, say so, and stay until told to stop. With `inherited`, take over from a predecessor.

        Raises ChildRefused where a worker or the collector will not start at all.
        """
        self._on_signals()
        collecting = asyncio.create_task(self._collector.keep_running())
        for place in self._places:
            place.start()
        try:
            await self._started(collecting)
            if not self._stopping.is_set():
                self._take_charge(inherited)
            await self._until_stopped(collecting)
        finally:
            await self._stop(collecting)
            if inherited is not None:
                await self._outlive(inherited)

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        loop.add_signal_handler(signal.SIGUSR2, self._upgrade)

    def _reload(self) -> None:
        for place in self._places:
            for worker in place.each():
                worker.send(signal.SIGHUP)

    async def _started(self, collecting: asyncio.Task[None]) -> None:
        """Wait until every worker has spoken, or one will not start."""
        while any(place.status is None for place in self._places) and not self._stopping.is_set():
            self._raise_failure(collecting)
            self._kill_silent_workers(_START_SECONDS)
            await asyncio.sleep(0.02)

    def _raise_failure(self, collecting: asyncio.Task[None]) -> None:
        if collecting.done():
            collecting.result()
        for place in self._places:
            place.raise_failure()

    def _take_charge(self, inherited: Inherited | None) -> None:
        """From here on this is the supervisor of the state_dir, and everybody may know."""
        if inherited is not None:
            inherited.say_ready()
        self._tenure.begin()
        notify("READY=1")
        chores = (ListWatch(self._plan.state_dir), ListSchedule(self._plan.state_dir))
        self._chores = [asyncio.create_task(chore.run()) for chore in chores]
        for listener in self._listeners:
            self._announce(
                f"listening on {listener.shown} ({'transparent' if listener.listen.transparent else 'proxy'})"
            )
        self._announce(f"listening on {self._plan.metrics} (metrics)")

    async def _until_stopped(self, collecting: asyncio.Task[None]) -> None:
        """Write down what the workers say; end those that say nothing, replace those that have done their share."""
        while not self._stopping.is_set():
            self._raise_failure(collecting)
            self._kill_silent_workers(SILENCE_SECONDS)
            self._collector.kill_if_silent(_COLLECTOR_SILENCE_SECONDS)
            self._recycle()
            self._write_down()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._stopping.wait()

    def _kill_silent_workers(self, seconds: float) -> None:
        for place in self._places:
            for worker in place.each():
                worker.kill_if_silent(seconds)

    def _recycle(self) -> None:
        """Replace one worker at a time; of one number only when the one that was replaced before has gone."""
        busy = self._recycling is not None and not self._recycling.done()
        if busy or time.monotonic() < self._recycle_again:
            return
        asking = (place for place in self._places if place.status is not None and place.status.spent)
        spent = next((place for place in asking if not place.retires), None)
        if spent is not None:
            self._recycling = asyncio.create_task(self._replace(spent))

    async def _replace(self, place: Place) -> None:
        if not await place.replace():
            log.error("worker %d stays, its replacement does not start as it should", place.number)
            self._recycle_again = time.monotonic() + _RECYCLE_AGAIN_SECONDS

    def _upgrade(self) -> None:
        if self._upgrading is not None:
            log.warning("an upgrade is under way already; this one is not begun")
        elif not self._stopping.is_set():
            self._upgrading = asyncio.create_task(self._hand_over())

    async def _hand_over(self) -> None:
        """Start a successor, and stop when it is ready. Whatever becomes of it before, nothing changes here."""
        try:
            self._successor = successor = Successor(self._tenure.fd, self._listeners)
            if await successor.is_ready(_SUCCESSOR_SECONDS):
                self._handed_over = True
                notify(f"MAINPID={successor.pid}")
                self._stopping.set()
                return
            code = await successor.ended(self._plan.drain_seconds + 2 * GRACE_SECONDS)
            log.error("the upgrade came to nothing (exit code %d), so nothing changes", code)
        except OSError as error:
            log.error("the upgrade came to nothing: %s", error.strerror)
        self._tenure.refused()
        self._upgrading = self._successor = None

    async def _stop(self, collecting: asyncio.Task[None]) -> None:
        """Listen no more, drain the workers, then the collector, which stores their last records.

        After a handover the collector ends first: the successor's waits for it, and stores the last records.
        """
        for listener in self._listeners:
            listener.socket.close()  # a client that waited in the queue meanwhile would hang until the drain ends
        if self._successor is not None and not self._handed_over:
            self._successor.stop()
        for task in (self._upgrading, self._recycling, *self._chores):
            if task is not None:
                task.cancel()
        draining = asyncio.gather(*(place.stop() for place in self._places))
        if not self._handed_over:
            notify("STOPPING=1")
            await draining
        await self._collector.stop(GRACE_SECONDS)
        await draining
        await asyncio.gather(collecting, *self._chores, return_exceptions=True)

    async def _outlive(self, inherited: Inherited) -> None:
        """Stay until the predecessor has drained: systemd ends what is left when its main process has ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._plan.drain_seconds + 2 * GRACE_SECONDS):
                await inherited.predecessor_gone()

    def _write_down(self) -> None:
        """Write the statuses where they changed: a file that commands wait for, and doctor reads.

        One write at a time, and nothing waits for it: workers that hang are killed on a volume that hangs, too.
        """
        if self._writing is not None and not self._writing.done():
            return
        statuses = [place.status for place in self._places if place.status is not None]
        if statuses == self._written and time.monotonic() < self._write_again:
            return
        self._writing = asyncio.create_task(self._write(statuses))

    async def _write(self, statuses: list[WorkerStatus]) -> None:
        try:
            path = self._plan.state_dir / "run" / "status.json"
            await asyncio.to_thread(write_statuses, path, statuses, self._collector_status)
        except OSError as error:  # a full disk must not end the filter: commands see the old statuses until it has room
            log.error("cannot write run/status.json: %s", error.strerror)
        else:
            self._written, self._write_again = statuses, time.monotonic() + _WRITE_SECONDS

    def _maker(self, number: int) -> Callable[[Callable[[bytes], None]], Child]:
        inherits = tuple(listener.socket.fileno() for listener in self._listeners)
        command = self._worker_command(number)
        return lambda hear: Child(f"worker {number}", command, hear, inherits)

    def _heard_collector(self, line: bytes) -> None:
        self._collector_status = collector_status_of(line, time.time())

    def _worker_command(self, number: int) -> list[str]:
        return [
            *_python(WORKER),
            *("--state-dir", str(self._plan.state_dir), "--listen", for_worker(self._listeners)),
            *("--worker", str(number), "--workers", str(self._plan.workers)),
        ]

    def _collector_command(self) -> list[str]:
        return [
            *_python("usage_log.collector"),
            *("--state-dir", str(self._plan.state_dir), "--metrics", self._plan.metrics),
        ]


def _python(module: str) -> tuple[str, ...]:
    """Run a module of ours: -P, so that a `proxy/` in the current folder is not taken for it."""
    return (sys.executable, "-P", "-m", module)
