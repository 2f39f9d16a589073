"""The collector process: one on each machine, started by the supervisor.

`python -m usage_log.collector --state-dir DIR --metrics ADDRESS:PORT [--status FD]`. Ends with 0 after SIGTERM, 2 for
arguments or a state directory it cannot use, 3 when the metrics port is taken, 4 when another collector runs or today's
day file is of a newer schema. What cannot be stored stays in the spool and is tried again.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import logging
import os
import signal
import sqlite3
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import disable_created_metrics

from config.problems import SettingsRefused
from config.revisions import Revisions, RevisionTampered, RevisionUnreadable
from usage_log.attempt_watch import AttemptWatch
from usage_log.day_files import DayRefused
from usage_log.day_store import DayStore
from usage_log.list_figures import ListFigures
from usage_log.metrics import Metrics, MetricsServer, MetricsUnavailable, parse_address
from usage_log.tailing import Collector, RetentionUnknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

log = logging.getLogger(__name__)

#: Seconds to wait for another collector to end: a restarted supervisor may be quicker than the old collector's drain.
_LOCK_WAIT: Final = 15.0


class AlreadyRunning(Exception):
    """Another collector holds the spool."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the collector until SIGTERM or SIGINT; return the exit code."""
    parent = os.getppid()  # asked for at once: it may die at any time
    options = _parser().parse_args(arguments)
    disable_created_metrics()  # type: ignore[no-untyped-call]
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="collector: %(message)s")
    spool = options.state_dir / "spool"
    try:
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _only_one(spool, _LOCK_WAIT):
            return asyncio.run(_collect(options.state_dir, options.metrics, parent, options.status))
    except MetricsUnavailable as error:
        log.error(error)
        return 3
    except (AlreadyRunning, DayRefused) as error:
        log.error(error)
        return 4
    except OSError as error:
        log.error("%s: %s", error.filename or options.state_dir, error.strerror)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="usage_log.collector", description="Bring spooled records into day files.")
    parser.add_argument("--state-dir", type=Path, required=True, metavar="DIR")
    parser.add_argument("--metrics", type=parse_address, required=True, metavar="ADDRESS:PORT")
    parser.add_argument("--status", type=int, metavar="FD", help="pipe to the supervisor, told every second")
    return parser


async def _collect(state_dir: Path, address: tuple[str, int], parent: int, pipe: int | None) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    spool, log_directory, metrics = state_dir / "spool", state_dir / "log", Metrics()
    metrics.registry.register(ListFigures(state_dir / "run" / "lists.json"))
    with MetricsServer(metrics, address) as server:
        async with DayStore(log_directory) as store:
            await _open_today(store)
            log.info("collecting from %s; metrics on port %d", spool, server.port)
            attempts = AttemptWatch(state_dir, metrics.attempt_alerts)
            collector = Collector(spool, log_directory, store, metrics, attempts.see)
            watches = [asyncio.create_task(_stop_when_orphaned(parent, stop))]
            watches.append(asyncio.create_task(attempts.run(lambda: collector.caught_up)))
            if pipe is not None:
                watches.append(asyncio.create_task(_tell(pipe, collector, stop)))
            await collector.run(stop, lambda: retention_rule(state_dir))
            for watch in watches:
                watch.cancel()
    return 0


async def _open_today(store: DayStore) -> None:
    try:
        await store.open(datetime.now(UTC).date())
    except sqlite3.Error as error:  # locked, full: the records wait in the spool, and storing them is tried again
        log.warning("today's day file: %s", error)


def retention_rule(state_dir: Path) -> str | None:
    """Return the rule for records in the applied settings; None, so that all is kept, before any are applied.

    Raises RetentionUnknown for settings that cannot be trusted or read.
    """
    try:
        applied = Revisions(state_dir).current()
    except (RevisionTampered, RevisionUnreadable, SettingsRefused) as error:
        raise RetentionUnknown(f"no day is deleted, the applied settings cannot be used: {error}") from error
    return applied.settings.retention.records if applied else None


async def _stop_when_orphaned(parent: int, stop: asyncio.Event) -> None:
    """A new supervisor starts a collector of its own: the old one must not outlive the old supervisor."""
    while os.getppid() == parent:  # noqa: ASYNC110 - no event tells of a parent's death
        await asyncio.sleep(1.0)
    log.warning("the supervisor is gone")
    stop.set()


async def _tell(pipe: int, collector: Collector, stop: asyncio.Event) -> None:
    """Say once a second how it is: a collector that is silent hangs, and is started again."""
    while True:
        said = {"oldest_unread_seconds": round(collector.oldest_unread, 1), "trouble": collector.trouble}
        try:
            await asyncio.to_thread(os.write, pipe, json.dumps(said).encode() + b"\n")
        except OSError:  # the supervisor is gone
            stop.set()
            return
        await asyncio.sleep(1.0)


@contextmanager
def _only_one(spool: Path, wait: float) -> Iterator[None]:
    """Hold the spool's lock; raises AlreadyRunning when another collector keeps it for `wait` seconds."""
    fd = os.open(spool / "collector.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        deadline = time.monotonic() + wait
        while not _locked(fd):
            if time.monotonic() > deadline:
                raise AlreadyRunning(f"{spool}: another collector is running: end it first")
            time.sleep(0.1)
        yield
    finally:
        os.close(fd)


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    os._exit(code)  # a thread of a database that did not close must not keep the process (aiosqlite issue 299)
