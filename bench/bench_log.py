"""What the usage log costs: CPU of a worker and of the collector for one record, and of a collector with nothing to do.

    .venv/bin/python -m bench.bench_log [--records 20000] [--runs 5]

A worker's share is an exchange that is begun, ended and written to a spool. The collector's is measured with a spool
that is full before it starts ("behind"), and while a process beside it writes 1,000 records a second ("live"), as
it works in every other benchmark here. Medians of all runs; each figure is CPU time of one process, never time waited.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.facts import Intent, RequestFacts, Stage
from proxy.recording import Exchange, Recorder
from proxy.verdict import Action, Match, Verdict
from usage_log.day_store import DayStore
from usage_log.metrics import Metrics
from usage_log.spool import Spool
from usage_log.tailing import Collector

if TYPE_CHECKING:
    from collections.abc import Callable

LIVE_RATE = 1000
SECONDS = 4
ALLOW = Verdict(Action.ALLOW, "default", 7)
BLOCK = Verdict(
    Action.BLOCK, "category.games", 7, "games", matches=(Match("category.games", "games", "games", "ut1", "ab"),)
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print("usage log, CPU                       median (lowest to highest)")
    for name, unit, measure in (
        ("worker", "us a record", lambda: worker(options.records)),
        ("collector, behind", "us a record", lambda: behind(options.records)),
        ("collector, 1,000 records a second", "us a record", live),
        ("collector, idle", "ms a second", lambda: asyncio.run(idle())),
    ):
        _say(name, unit, [measure() for _ in range(options.runs)])


def _say(name: str, unit: str, found: list[float]) -> None:
    print(f"{name:<36} {statistics.median(found):6.1f} ({min(found):.1f} to {max(found):.1f}) {unit}")


def exchange(number: int) -> tuple[RequestFacts, Verdict]:
    """One in ten is blocked; paths and hosts vary, as those of a school do."""
    facts = RequestFacts(
        stage=Stage.REQUEST, at=datetime.now(UTC), client="10.1.2.3", method="GET", scheme="https",
        host=f"www{number % 97}.example.test", port=443, path=f"/lessons/{number}/page", query="q=1", user="ana",
        identity="local", school="lincoln", intent=Intent.NAVIGATE, page="start.test",
    )  # fmt: skip
    return facts, ALLOW if number % 10 else BLOCK


def _record(recorder: Recorder, facts: RequestFacts, verdict: Verdict) -> None:
    begun = Exchange(facts, verdict, status=200)
    recorder.begin(begun)
    recorder.end(begun)


def fill(folder: Path, records: int, pause: Callable[[int], None] = lambda _: None) -> float:
    """Write records to a spool in `folder`; CPU seconds it took, making the facts and segments left out."""
    spool = Spool(folder / "spool", "node-1", 0, 10**9)
    recorder = Recorder(spool)
    taken = 0.0
    for first in range(0, records, 100):
        spool.prepare()
        exchanges = [exchange(number) for number in range(first, min(first + 100, records))]
        began = time.process_time()
        for each in exchanges:
            _record(recorder, *each)
        taken += time.process_time() - began
        pause(first)
    spool.close()
    return taken


def worker(records: int) -> float:
    with tempfile.TemporaryDirectory() as name:
        return fill(Path(name), records) / records * 1e6


def behind(records: int) -> float:
    with tempfile.TemporaryDirectory() as name:
        fill(Path(name), records)
        return asyncio.run(_sweep(Path(name))) / records * 1e6


async def _sweep(folder: Path) -> float:
    async with DayStore(folder / "log") as store:
        await store.open(datetime.now(UTC).date())
        collector = Collector(folder / "spool", folder / "log", store, Metrics())
        began = time.process_time()
        while await collector.sweep():
            pass
        return time.process_time() - began


def live() -> float:
    with tempfile.TemporaryDirectory() as name:
        child = os.fork()
        if not child:
            _write_live(Path(name))
            os._exit(0)
        taken = asyncio.run(_collect(Path(name), lambda: os.waitpid(child, os.WNOHANG)[0] == child))
        return taken / (LIVE_RATE * SECONDS) * 1e6


def _write_live(folder: Path) -> None:
    began = time.monotonic()
    spool = Spool(folder / "spool", "node-1", 0, 10**9)
    recorder = Recorder(spool)
    for number in range(LIVE_RATE * SECONDS):
        time.sleep(max(0.0, began + number / LIVE_RATE - time.monotonic()))
        _record(recorder, *exchange(number))
        if number % 100 == 0:
            spool.prepare()
    spool.close()


async def idle() -> float:
    with tempfile.TemporaryDirectory() as name:
        spool = Spool(Path(name) / "spool", "node-1", 0, 10**9)
        ends = time.monotonic() + SECONDS
        taken = await _collect(Path(name), lambda: time.monotonic() > ends)
        spool.close()
        return taken / SECONDS * 1e3


async def _collect(folder: Path, ended: Callable[[], bool]) -> float:
    (folder / "spool").mkdir(exist_ok=True)
    stop = asyncio.Event()
    async with DayStore(folder / "log") as store:
        await store.open(datetime.now(UTC).date())
        collector = Collector(folder / "spool", folder / "log", store, Metrics())
        began = time.process_time()
        running = asyncio.create_task(collector.run(stop, lambda: None))
        while not ended():  # noqa: ASYNC110 - no event tells of the end of a child
            await asyncio.sleep(0.2)
        stop.set()
        await running
        return time.process_time() - began


if __name__ == "__main__":
    main()
