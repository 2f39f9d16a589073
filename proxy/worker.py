"""One worker process: takes connections from the shared listeners and filters them. Started by the supervisor."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import ssl
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from categories.errors import ListsRefused
from config.problems import SettingsRefused
from config.revision_files import RevisionTampered
from proxy import engine
from proxy.addon import Addon
from proxy.answers import WorkerAnswers
from proxy.authority import AuthorityRefused, open_or_create
from proxy.bounded_cache import BoundedCache
from proxy.connect import Dialer, Resolver
from proxy.connections import Connections
from proxy.engine import EngineChanged
from proxy.front import Front
from proxy.identity.accounts import AccountsRefused
from proxy.identity.local import LocalIdentity
from proxy.leaf_certificates import LeafCertificates
from proxy.master import Engine, Times
from proxy.policy_files import NothingApplied, PolicyFiles, applied_settings
from proxy.policy_watch import PolicyWatch
from proxy.recording import Recorder
from proxy.snapshot import SnapshotRefused
from proxy.status import WorkerStatus
from proxy.tls_config import BreakwaterTlsConfig
from proxy.upstream_trust import TrustRefused
from proxy.worker_state import WorkerState
from usage_log.spool import Spool, SpoolFull

if TYPE_CHECKING:
    from config.settings import Settings

log = logging.getLogger(__name__)

#: The share of the descriptor limit that client connections may take; each may need a second one upstream.
_CLIENTS_OF_DESCRIPTORS = 0.45

#: What a restart cannot mend: the supervisor is told by the exit code, and people by the line.
_REFUSALS = (
    *(AccountsRefused, AuthorityRefused, EngineChanged, ListsRefused, NothingApplied, OSError, RevisionTampered),
    *(SettingsRefused, SnapshotRefused, TrustRefused),
)

#: Hosts counted whose clients refuse our certificate: a client chooses the names, and they stand in one status line.
_REFUSED_HOSTS = 100

_TICK_SECONDS = 1.0
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
    parser.add_argument("--listen", required=True, help="descriptors of the listening sockets")
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
        self._listeners = _listeners(arguments.listen, settings)
        files = PolicyFiles(state_dir, authority, tuple(_described(*listener) for listener in self._listeners))
        marks = files.marks()
        spool = Spool(state_dir / "spool", socket.gethostname(), self._number, limits.spool_bytes // arguments.workers)
        resolver = Resolver(limits.dns_seconds)
        self._state = WorkerState(
            in_force=files.in_force(),
            identity=LocalIdentity(files.accounts()),
            recorder=Recorder(spool),
            spool=spool,
            resolver=resolver,
            dialer=Dialer(resolver, lambda address, port: self._state.refuses(address, port), limits.connect_seconds),
            own_ports=frozenset(sock.getsockname()[1] for sock, _ in self._listeners),
            refused_certificates=BoundedCache(_REFUSED_HOSTS),
        )
        tls_config = BreakwaterTlsConfig(
            LeafCertificates(authority, settings.proxy.public_name), tuple(settings.proxy.extra_trust)
        )
        addon = Addon(self._state, tls_config)
        engine.install(self._state.dialer.streams_to, WorkerAnswers(self._state, addon.handlers))
        times = Times(limits.idle_seconds, limits.tunnel_idle_seconds, limits.dns_seconds)
        self._engine = Engine(addon, tls_config, times)
        self._connections = Connections(limits.connections_per_client, _room_for_clients())
        self._watch = PolicyWatch(self._state, files, marks)
        self._drain_seconds = limits.drain_seconds
        self._stopping = asyncio.Event()
        self.failed = False

    async def serve(self) -> None:
        """Take connections until told to stop, then drain."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(asyncio.eager_task_factory)  # as mitmproxy's own Master.run does
        loop.add_signal_handler(signal.SIGTERM, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._watch.look_now)
        accepting = [asyncio.create_task(self._accept(sock, tls)) for sock, tls in self._listeners]
        upkeep = [asyncio.create_task(each()) for each in (self._tick, self._keep_spool, self._watch.run)]
        for task in (*accepting, *upkeep):
            task.add_done_callback(self._look_after)
        await self._stopping.wait()
        for task in accepting:
            task.cancel()
        await self._drain()
        for task in upkeep:
            task.cancel()
        await asyncio.gather(*accepting, *upkeep, return_exceptions=True)
        self._state.recorder.end_all("client-abort")
        self._state.spool.close()
        self._state.resolver.close()
        self._state.identity.close()

    def _look_after(self, task: asyncio.Task[None]) -> None:
        """End a worker one of whose tasks has died: the supervisor starts it again, whole."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a part of this worker has died, so it ends", exc_info=error)
            self.failed = True
            self._stopping.set()

    async def _accept(self, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Take one connection a turn, so that the workers share them evenly (reference/engine.md, item 2)."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(sock)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:  # out of descriptors, or the client has gone already
                log.warning("cannot take a connection: %s", error.strerror)
                await asyncio.sleep(0.1)
                continue
            asyncio.create_task(self._greet(connection, tls))  # noqa: RUF006  # the transport keeps what it makes

    async def _greet(self, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
        with contextlib.suppress(OSError):  # a client that does not finish TLS has asked nothing
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Front(self._state, self._engine, self._connections), connection, ssl=tls
            )

    async def _tick(self) -> None:
        """Once a second: tell the supervisor, and record what has been open for long."""
        while True:
            if not await asyncio.to_thread(self._tell):
                self._stopping.set()  # the supervisor is gone; it will not start a second set beside us
                return
            with contextlib.suppress(SpoolFull):  # the next tick tries again; new requests are blocked meanwhile
                self._state.recorder.tick()
            await asyncio.sleep(_TICK_SECONDS)

    def _tell(self) -> bool:
        snapshot = self._state.in_force.snapshot
        status = WorkerStatus(
            worker=self._number,
            pid=os.getpid(),
            revision=snapshot.revision,
            generation=snapshot.index.generation,
            accounts=self._state.identity.revision,
            problem=self._watch.problem or self._state.spool.problem,
            refused_certificates=dict(self._state.refused_certificates.items()),
        )
        try:
            os.write(self._pipe, status.line())
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

    async def _drain(self) -> None:
        """Let what is under way finish, for `drain_seconds`; close and record the rest."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._drain_seconds
        for sock, _ in self._listeners:
            sock.close()
        while loop.time() < deadline:
            self._connections.close_idle()
            for handler in list(self._engine.handlers):
                handler.draining = True
                if not handler.exchanges:
                    handler.close()
            if not len(self._connections):
                return
            await asyncio.sleep(0.05)


def _room_for_clients() -> int:
    """Raise the descriptor limit as far as allowed, and say how many clients it has room for."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return int(most * _CLIENTS_OF_DESCRIPTORS)


def _listeners(fds: str, settings: Settings) -> list[tuple[socket.socket, ssl.SSLContext | None]]:
    sockets = [socket.socket(fileno=int(fd)) for fd in fds.split(",")]
    for sock in sockets:
        sock.setblocking(False)
    return [(sock, _tls_of(listener)) for sock, listener in zip(sockets, settings.proxy.listen, strict=True)]


def _described(sock: socket.socket, tls: ssl.SSLContext | None) -> tuple[str, int, bool]:
    address, port = sock.getsockname()[:2]
    return address, port, tls is not None


def _tls_of(listener: object) -> ssl.SSLContext | None:
    tls = getattr(listener, "tls", None)
    if tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])  # CONNECT over HTTP/2 is not spoken here
    context.load_cert_chain(tls.cert_file, tls.key_file)
    return context


if __name__ == "__main__":
    sys.exit(main())
