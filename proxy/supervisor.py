"""The parent: binds the listeners once, runs the workers and the collector, and restarts what dies.

The listening sockets are bound here and inherited by the workers. With SO_REUSEPORT instead, "port in use" could not
be seen, and a restart would lose connections that wait in a dead worker's queue (reference/engine.md, item 2).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.child import Child
from proxy.status import WorkerStatus, status_of, write_statuses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

_BACKLOG = 4096
_FIRST_SYSTEMD_FD = 3

#: A worker that says nothing for this long hangs, and is killed, in seconds (reference/engine.md, item 13).
_SILENCE_SECONDS = 10.0

#: The workers' word is written down at least this often, in seconds: an old one says that nobody speaks.
_WRITE_SECONDS = 5.0

#: What children may take to stop after the drain time, in seconds.
_GRACE_SECONDS = 10.0


class CannotListen(Exception):
    """A listener cannot be bound. The message is one line."""

    exit_code = 3


class AlreadyRunning(Exception):
    """Another supervisor holds this state_dir. The message is one line."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run."""

    state_dir: Path
    listen: tuple[tuple[str, int], ...]
    workers: int
    metrics: str
    drain_seconds: float


def bind(listen: tuple[tuple[str, int], ...]) -> list[socket.socket]:
    """Bind every listener, or take the sockets that systemd bound (LISTEN_FDS, sd_listen_fds(3)).

    Raises CannotListen.
    """
    if os.environ.get("LISTEN_PID") == str(os.getpid()):
        count = int(os.environ["LISTEN_FDS"])
        return [socket.socket(fileno=fd) for fd in range(_FIRST_SYSTEMD_FD, _FIRST_SYSTEMD_FD + count)]
    return [_bound(address, port) for address, port in listen]


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise CannotListen(
            f"proxy.listen: cannot listen on {address}:{port}: {os.strerror(error.errno or 0)}; "
            "stop what uses it, or name another address"
        ) from error


@contextlib.contextmanager
def sole(state_dir: Path) -> Iterator[None]:
    """Hold the lock that one supervisor has on its state_dir. Raises AlreadyRunning."""
    with (state_dir / "run" / "supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunning(f"{state_dir}: another breakwater runs on this state_dir; stop it first") from error
        yield


class Supervisor:
    """Runs children until SIGTERM or SIGINT."""

    def __init__(self, plan: Plan, sockets: list[socket.socket], announce: Callable[[str], None]) -> None:
        self._plan = plan
        self._sockets = sockets
        self._announce = announce
        self._stopping = asyncio.Event()
        self._statuses: dict[int, WorkerStatus] = {}
        self._written: list[WorkerStatus] = []
        self._write_again = 0.0
        listen = tuple(sock.fileno() for sock in sockets)
        self._workers = [
            Child(f"worker {number}", self._worker_command(number), self._heard, listen)
            for number in range(plan.workers)
        ]
        self._collector = Child("collector", self._collector_command())

    async def run(self) -> None:
        """Start everything, say so, and stay until told to stop.

        Raises ChildRefused where a worker or the collector will not start at all.
        """
        self._on_signals()
        watches = [asyncio.create_task(self._collector.keep_running())]
        watches += [asyncio.create_task(worker.keep_running()) for worker in self._workers]
        try:
            await self._started(watches)
            self._say_ready()
            await self._until_stopped(watches)
        finally:
            await self._stop(watches)

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)

    def _reload(self) -> None:
        for worker in self._workers:
            worker.send(signal.SIGHUP)

    async def _started(self, watches: list[asyncio.Task[None]]) -> None:
        """Wait until every worker has spoken, or one will not start."""
        while len(self._statuses) < len(self._workers) and not self._stopping.is_set():
            self._raise_failure(watches)
            await asyncio.sleep(0.02)

    def _raise_failure(self, watches: list[asyncio.Task[None]]) -> None:
        for watch in watches:
            if watch.done():
                watch.result()

    def _say_ready(self) -> None:
        for sock in self._sockets:
            address, port = sock.getsockname()[:2]
            shown = f"[{address}]" if ":" in address else address
            self._announce(f"listening on {shown}:{port} (proxy)")
        self._announce(f"listening on {self._plan.metrics} (metrics)")

    async def _until_stopped(self, watches: list[asyncio.Task[None]]) -> None:
        """Write down what the workers say, and end the ones that say nothing."""
        while not self._stopping.is_set():
            self._raise_failure(watches)
            await self._write_down()
            for worker in self._workers:
                worker.kill_if_silent(_SILENCE_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._stopping.wait()

    async def _stop(self, watches: list[asyncio.Task[None]]) -> None:
        """Listen no more, drain the workers, then the collector, which stores their last records."""
        for sock in self._sockets:
            sock.close()  # a client that waited in the queue meanwhile would hang until the drain ends
        await asyncio.gather(*(worker.stop(self._plan.drain_seconds + _GRACE_SECONDS) for worker in self._workers))
        await self._collector.stop(_GRACE_SECONDS)
        await asyncio.gather(*watches, return_exceptions=True)

    async def _write_down(self) -> None:
        """Write the statuses where they changed: a file that commands wait for, and doctor reads."""
        statuses = list(self._statuses.values())
        if statuses == self._written and time.monotonic() < self._write_again:
            return
        try:
            await asyncio.to_thread(write_statuses, self._plan.state_dir / "run" / "status.json", statuses)
        except OSError as error:  # a full disk must not end the filter: commands see the old statuses until it has room
            log.error("cannot write run/status.json: %s", error.strerror)
        else:
            self._written, self._write_again = statuses, time.monotonic() + _WRITE_SECONDS

    def _heard(self, line: bytes) -> None:
        status = status_of(line)
        self._statuses[status.worker] = status

    def _worker_command(self, number: int) -> list[str]:
        listen = ",".join(str(sock.fileno()) for sock in self._sockets)
        return [
            *_python("proxy.worker"),
            *("--state-dir", str(self._plan.state_dir)),
            *("--worker", str(number), "--workers", str(self._plan.workers), "--listen", listen),
        ]

    def _collector_command(self) -> list[str]:
        return [
            *_python("usage_log.collector"),
            *("--state-dir", str(self._plan.state_dir), "--metrics", self._plan.metrics),
        ]


def _python(module: str) -> tuple[str, ...]:
    """Run a module of ours: -P, so that a `proxy/` in the current folder is not taken for it."""
    return (sys.executable, "-P", "-m", module)
