"""Requests through Breakwater (filtering, identity and logging on) and through stock mitmdump, in turn, in one run.

    .venv/bin/python -m bench.bench_proxy [--rounds 6] [--only TEXT] [--without LEVER] [--profile LINES]

The last loads are compared with Breakwater itself without its detectors: what they cost requests that pass.

Each round is a pair, in the order ABBA; the ratio of CPU seconds is the median of the pairs, with the least and the
most, and "!" where it is over the mark. CPU seconds are those of the proxy's own processes (supervisor and collector
too), which have one CPU; the load and the origin have the others. "calls" are calls of Python functions for one
request, in the process that serves it: they do not depend on what else the machine does. All on loopback, bounded in
count. `--without` compares with Breakwater itself, where it leaves a lever (proxy/replaced/, or "detectors") out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench import loads
from bench.origin import Origin
from bench.proxies import LOAD_CPUS, Proxy, breakwater, mitmdump

if TYPE_CHECKING:
    import pstats

    from bench.loads import Load


@dataclass(frozen=True)
class Measured:
    """A load, the requests of one round, and the most that it may cost compared with stock."""

    name: str
    load: Load
    requests: int
    mark: float
    stock: str = "mitmdump"


#: What stock is told to relay as it is.
RELAYING = "mitmdump, ignore_hosts"

#: Breakwater itself, with its table of detectors emptied.
WITHOUT_DETECTORS = "- detectors"

LOADS = (
    Measured("plain HTTP, kept", loads.plain_kept, 1200, 0.5),
    Measured("intercepted HTTPS, kept, HTTP/1.1", loads.intercepted_kept, 1200, 0.5),
    Measured("intercepted HTTPS, kept, HTTP/2", loads.http2_kept, 1200, 0.5),
    Measured("intercepted HTTPS, new connections", loads.intercepted_new, 160, 0.8),
    Measured("passed through, new tunnels", loads.passed_through_new, 320, 0.15, RELAYING),
    Measured("a browser's requests, HTTP/1.1", loads.browser_kept, 1200, 1.1, WITHOUT_DETECTORS),
    Measured("small uploads, HTTP/1.1", loads.uploads_kept, 1200, 1.1, WITHOUT_DETECTORS),
)


@dataclass(frozen=True)
class Round:
    """What one round of a load cost and how long its requests took, in seconds."""

    cpu: float
    elapsed: float
    times: list[float]

    @property
    def cost(self) -> float:
        """CPU seconds for 1,000 requests."""
        return self.cpu / len(self.times) * 1000


def main() -> None:
    arguments = _arguments()
    os.sched_setaffinity(0, LOAD_CPUS)
    folder = Path(tempfile.mkdtemp())
    measured = [each for each in LOADS if arguments.only in each.name]
    if not loads.has_h2load():
        print("h2load is missing (Debian's nghttp2-client), so HTTP/2 is not measured")
        measured = [each for each in measured if each.load is not loads.http2_kept]
    with Origin(folder) as origin:
        proxies: dict[str, Proxy] = {}
        try:
            if arguments.without:
                measured = [replace(each, stock=f"- {arguments.without}") for each in measured]
            _start(proxies, {each.stock for each in measured}, folder, origin)
            print(f"{'load':<36} {'proxy':<23} CPU s/1000  ratio (least-most)  calls  req/s  p50 ms  p99 ms   MiB")
            for each in measured:
                if arguments.profile:
                    _counted(each, proxies["breakwater"], origin, 400).sort_stats("tottime").print_stats(
                        arguments.profile
                    )
                else:
                    _compare(each, proxies[each.stock], proxies["breakwater"], origin, arguments.rounds)
        finally:
            for proxy in proxies.values():
                proxy.stop()
            shutil.rmtree(folder)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=6, help="pairs of rounds for each load")
    parser.add_argument("--only", default="", help="the loads whose name holds this text")
    parser.add_argument("--without", default="", help="compare with Breakwater without it, not with mitmdump")
    parser.add_argument(
        "--profile", type=int, default=0, help="show what is called in a worker instead, in so many lines"
    )
    return parser.parse_args()


def _start(proxies: dict[str, Proxy], stock: set[str], folder: Path, origin: Origin) -> None:
    proxies["breakwater"] = breakwater(folder / "breakwater", origin)
    if "mitmdump" in stock:
        proxies["mitmdump"] = mitmdump(folder / "mitmdump", origin)
    if RELAYING in stock:
        proxies[RELAYING] = mitmdump(folder / "relaying", origin, RELAYING, "ignore_hosts=.*")
    for name in stock:
        if name.startswith("- "):
            proxies[name] = breakwater(folder / "without", origin, name, stock=name[2:])


def _compare(measured: Measured, stock: Proxy, ours: Proxy, origin: Origin, rounds: int) -> None:
    pair = (stock, ours)
    found: dict[str, list[Round]] = {proxy.name: [] for proxy in pair}
    calls = {proxy.name: _calls(measured, proxy, origin) for proxy in pair}
    for number in range(rounds):
        for proxy in pair if number % 2 == 0 else pair[::-1]:
            found[proxy.name].append(_round(measured, proxy, origin))
    ratios = [b.cpu / a.cpu for a, b in zip(found[stock.name], found[ours.name], strict=True)]
    for proxy, ratio in ((stock, ""), (ours, _said(ratios, measured.mark))):
        print(f"{measured.name:<36} {proxy.name:<23} {_figures(proxy, found[proxy.name], ratio, calls[proxy.name])}")


def _round(measured: Measured, proxy: Proxy, origin: Origin) -> Round:
    before, started = proxy.cpu(), time.perf_counter()
    times = asyncio.run(measured.load(proxy, origin, measured.requests))
    elapsed = time.perf_counter() - started
    time.sleep(0.3)  # the collector's share of the work comes after the answers
    return Round(proxy.cpu() - before, elapsed, times)


def _calls(measured: Measured, proxy: Proxy, origin: Origin) -> float:
    """Calls for one more request: what a run costs anyway, such as its eight connections, cancels out."""
    few, many = loads.CONNECTIONS * 4, loads.CONNECTIONS * 14
    asyncio.run(measured.load(proxy, origin, few))  # what is only done once has been done
    counted = [python_calls(_counted(measured, proxy, origin, count)) for count in (few, many)]
    return (counted[1] - counted[0]) / (many - few)


def _counted(measured: Measured, proxy: Proxy, origin: Origin, count: int) -> pstats.Stats:
    proxy.start_counting()
    asyncio.run(measured.load(proxy, origin, count))
    time.sleep(0.2)
    return proxy.calls()


def python_calls(stats: pstats.Stats) -> int:
    rows: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = stats.stats  # type: ignore[attr-defined]
    return sum(calls for (file, _, _), (_, calls, *_) in rows.items() if file != "~")


def _said(ratios: list[float], mark: float) -> str:
    return f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})" + (" !" if median(ratios) > mark else "")


def _figures(proxy: Proxy, rounds: list[Round], ratio: str, calls: float) -> str:
    cost, times = median(each.cost for each in rounds), sorted(each for made in rounds for each in made.times)
    rate = median(len(each.times) / each.elapsed for each in rounds)
    p50, p99 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99))
    memory = proxy.memory() / 2**20
    return f"{cost:10.3f}  {ratio:<18} {calls:6.0f} {rate:6.0f} {p50:7.1f} {p99:7.1f} {memory:5.0f}"


if __name__ == "__main__":
    main()
