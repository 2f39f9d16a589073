"""One worker process: takes connections from the shared listeners and filters them. Started by the supervisor."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from categories.errors import ListsRefused
from config.problems import SettingsRefused
from config.revision_files import RevisionTampered
from proxy import engine
from proxy.accepting import Accepting
from proxy.addon import Addon
from proxy.answers import WorkerAnswers
from proxy.authority import AuthorityRefused, open_or_create
from proxy.bounded_cache import BoundedCache
from proxy.connect import Dialer, Resolver
from proxy.connections import Connections
from proxy.descriptors import ceiling, raised, room_for_clients
from proxy.engine import EngineChanged
from proxy.front import Front
from proxy.identity.accounts import AccountsRefused
from proxy.identity.local import LocalIdentity
from proxy.leaf_certificates import LeafCertificates
from proxy.leaving import Leaving
from proxy.listening import in_worker
from proxy.master import Engine, Times
from proxy.overdue import break_off_overdue
from proxy.policy_files import NothingApplied, PolicyFiles, applied_settings
from proxy.policy_watch import PolicyWatch
from proxy.recording import Recorder
from proxy.recycling import private_memory, spent
from proxy.snapshot import SnapshotRefused
from proxy.status import WorkerStatus
from proxy.tls_config import BreakwaterTlsConfig
from proxy.transparent import TransparentFront
from proxy.upstream_trust import TrustRefused
from proxy.worker_state import WorkerState
from usage_log.spool import Spool, SpoolFull

if TYPE_CHECKING:
    from config.proxy_settings import Limits
    from proxy.connect import IPAddress
    from proxy.listening import Shared

log = logging.getLogger(__name__)

#: What a restart cannot mend: the supervisor is told by the exit code, and people by the line.
_REFUSALS = (
    *(AccountsRefused, AuthorityRefused, EngineChanged, ListsRefused, NothingApplied, OSError, RevisionTampered),
    *(SettingsRefused, SnapshotRefused, TrustRefused),
)

#: Hosts counted whose clients refuse our certificate: a client chooses the names, and they stand in one status line.
_REFUSED_HOSTS = 100

#: A worker that has been replaced looks this often at what it still has open, in seconds; one that drains, this often.
_RETIRED_LOOK_SECONDS = 0.25
_DRAIN_LOOK_SECONDS = 0.05

_TICK_SECONDS = 1.0

#: What is overdue gets an answer before its connection is closed for being idle: this much earlier, in seconds.
_OVERDUE_SECONDS = 5.0
_SPOOL_SECONDS = 0.1


def main() -> int:
    """Run a worker until SIGTERM, or until the supervisor is gone."""
    logging.basicConfig(level=logging.WARNING, format="worker: %(message)s", stream=sys.stderr)
    arguments = _arguments()
    try:
        return asyncio.run(_run(arguments))
    except _REFUSALS as error:
        log.error("%s", error)
        return 4


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="proxy.worker")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--worker", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--listen", required=True, help="the listening sockets (proxy/listening.py)")
    parser.add_argument("--status", type=int, required=True, help="descriptor of the pipe to the supervisor")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> int:
    worker = Worker(arguments)
    await worker.serve()
    return 1 if worker.failed else 0


class Worker:
    """The composition of one process."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        state_dir: Path = arguments.state_dir
        settings = applied_settings(state_dir).settings
        limits = settings.proxy.limits
        authority = open_or_create(state_dir / "ca", settings.district.name, datetime.now(UTC))
        self._number: int = arguments.worker
        self._pipe: int = arguments.status
        listeners = in_worker(arguments.listen)
        files = PolicyFiles(state_dir, authority, tuple(_described(each) for each in listeners if not each.transparent))
        marks = files.marks()
        spool = Spool(state_dir / "spool", socket.gethostname(), self._number, limits.spool_bytes // arguments.workers)
        resolver = Resolver(limits.dns_seconds)
        most = raised()
        self._state = WorkerState(
            in_force=files.in_force(),
            identity=LocalIdentity(files.accounts()),
            recorder=Recorder(spool),
            spool=spool,
            resolver=resolver,
            dialer=Dialer(resolver, self._refuses, limits.connect_seconds, ceiling(most)),
            own_ports=frozenset(each.socket.getsockname()[1] for each in listeners),
            refused_certificates=BoundedCache(_REFUSED_HOSTS),
        )
        tls_config = BreakwaterTlsConfig(
            LeafCertificates(authority, settings.proxy.public_name), tuple(settings.proxy.extra_trust)
        )
        addon = Addon(self._state, tls_config)
        engine.install(self._state.dialer.streams_to, WorkerAnswers(self._state, addon.handlers))
        self._engine = Engine(addon, tls_config, _times(limits), lambda: self._state.limits.h2_window_bytes)
        self._connections = Connections(limits.connections_per_client, room_for_clients(most))
        self._accepting = Accepting(listeners, self._front, lambda: self._state.limits, ceiling(most))
        self._started = time.monotonic()
        self._watch = PolicyWatch(self._state, files, marks, lambda: list(self._engine.handlers))
        self._leaving = Leaving(self._connections, self._accepting, lambda: self._engine.handlers)
        self._retiring = asyncio.Event()  # it has been replaced, or is stopping
        self._stopping = asyncio.Event()
        self.failed = False

    async def serve(self) -> None:
        """Take connections until told to retire or to stop.

        One that retires (SIGUSR1) goes on with what is under way: others serve in its place, so nobody waits for its
        end. One that stops (SIGTERM) drains.
        """
        loop = asyncio.get_running_loop()
        loop.set_task_factory(asyncio.eager_task_factory)  # as mitmproxy's own Master.run does
        loop.add_signal_handler(signal.SIGTERM, self._stop)
        loop.add_signal_handler(signal.SIGUSR1, self._retiring.set)
        loop.add_signal_handler(signal.SIGHUP, self._watch.look_now)
        loop.add_reader(self._pipe, self._stop)  # only an end without a reader is ever "readable"
        gc.freeze()  # a full collection that looks at all that the start made stops a worker for 90 ms (decision 0010)
        self._accepting.start()
        upkeep = [asyncio.create_task(each()) for each in (self._tick, self._keep_spool, self._watch.run)]
        for task in upkeep:
            task.add_done_callback(self._look_after)
        await self._retiring.wait()
        self._accepting.stop()
        await self._leaving.until(self._stopping.is_set, _RETIRED_LOOK_SECONDS)
        loop.remove_reader(self._pipe)
        deadline = time.monotonic() + self._state.limits.drain_seconds
        await self._leaving.until(lambda: time.monotonic() >= deadline, _DRAIN_LOOK_SECONDS)
        for task in upkeep:
            task.cancel()
        await asyncio.gather(*upkeep, return_exceptions=True)
        self._state.recorder.end_all()
        self._state.spool.close()
        self._state.resolver.close()
        self._state.identity.close()

    def _stop(self) -> None:
        self._stopping.set()
        self._retiring.set()

    def _front(self, listener: Shared) -> Front:
        front = TransparentFront if listener.transparent else Front
        return front(self._state, self._engine, self._connections)

    def _refuses(self, address: IPAddress, port: int) -> str | None:
        return self._state.refuses(address, port)

    def _look_after(self, task: asyncio.Task[None]) -> None:
        """End a worker one of whose tasks has died: the supervisor starts it again, whole."""
        ours = task.cancelled() and task.cancelling()  # as at the end of a worker; any other has died of it
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is not None and not ours:
            log.error("a part of this worker has died, so it ends", exc_info=error)
            self.failed = True
            self._stop()

    async def _tick(self) -> None:
        """Once a second: use the limits in force, tell the supervisor, and look after what has been open for long."""
        while True:
            memory = await asyncio.to_thread(private_memory)
            self._use(self._state.limits)  # before the status in the same turn: what it says is in use
            if not await asyncio.to_thread(self._tell, self._status(memory).line()):
                self._stop()  # the supervisor is gone; it will not start a second set beside us
                return
            with contextlib.suppress(SpoolFull):  # the next tick tries again; new requests are blocked meanwhile
                self._state.recorder.tick()
            break_off_overdue(self._state.recorder.open, self._state.limits.tunnel_idle_seconds)
            await asyncio.sleep(_TICK_SECONDS)

    def _use(self, limits: Limits) -> None:
        """Hand the limits to what does not read them from the state."""
        self._connections.per_client = limits.connections_per_client
        self._engine.times = _times(limits)
        self._state.dialer.timeout = limits.connect_seconds

    def _status(self, memory: int) -> WorkerStatus:
        """Say how it is; `memory`: its own bytes. On the loop: what it reads changes there only."""
        limits, age = self._state.limits, time.monotonic() - self._started
        snapshot = self._state.in_force.snapshot
        return WorkerStatus(
            worker=self._number,
            pid=os.getpid(),
            revision=snapshot.revision,
            generation=snapshot.index.generation,
            accounts=self._state.identity.revision,
            problem=self._watch.problem,
            spool=self._state.spool.problem,
            refused_certificates=dict(self._state.refused_certificates.items()),
            spent=spent(limits, self._accepting.taken, memory, age),
            drain_seconds=limits.drain_seconds,
        )

    def _tell(self, line: bytes) -> bool:
        """Write to the supervisor; False where it is gone. In a thread: the pipe may be full."""
        try:
            os.write(self._pipe, line)
        except OSError:
            return False
        return True

    async def _keep_spool(self) -> None:
        """Prepare the next segment before it is needed, and bring records to the disk once a second."""
        turn = 0
        while True:
            await asyncio.to_thread(self._state.spool.prepare)
            turn += 1
            if turn % int(_TICK_SECONDS / _SPOOL_SECONDS) == 0:
                await asyncio.to_thread(self._state.spool.sync)
            await asyncio.sleep(_SPOOL_SECONDS)


def _times(limits: Limits) -> Times:
    return Times(limits.idle_seconds, limits.tunnel_idle_seconds + _OVERDUE_SECONDS, limits.dns_seconds)


def _described(listener: Shared) -> tuple[str, int, bool]:
    address, port = listener.socket.getsockname()[:2]
    return address, port, listener.tls is not None


if __name__ == "__main__":
    sys.exit(main())
