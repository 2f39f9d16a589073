"""Runs inside the measured proxies, by PYTHONPATH: the product itself has nothing that is only for its benchmark.

SIGRTMIN starts to count function calls, and the next one writes the counts to BENCH_PROFILE (as cProfile does).
BENCH_STOCK names levers (proxy/replaced/) that a worker is to leave as mitmproxy has them, with commas between;
"detectors" among them leaves the worker without any detector.
"""

from __future__ import annotations

import cProfile
import os
import signal
import sys
from pathlib import Path


class _Counter:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._profile: cProfile.Profile | None = None

    def toggle(self, *_: object) -> None:
        if self._profile is None:
            self._profile = cProfile.Profile()
            self._profile.enable()
            return
        self._profile.disable()
        unfinished = self._path.with_suffix(".new")
        self._profile.dump_stats(unfinished)
        unfinished.rename(self._path)
        self._profile = None


def _leave_out(levers: frozenset[str]) -> None:
    from proxy import engine

    if "detectors" in levers:
        _without_detectors()
    install = engine.install
    engine.install = lambda *given: install(*given, stock=levers)


def _without_detectors() -> None:
    from proxy import addon, detectors

    for stage in detectors.DETECTORS:
        detectors.DETECTORS[stage] = ()
    addon.BodyLook = lambda counter, *_: counter


if any(argument == "proxy.worker" or argument.endswith("mitmdump") for argument in sys.orig_argv):
    signal.signal(signal.SIGRTMIN, _Counter(Path(os.environ["BENCH_PROFILE"])).toggle)
    if "proxy.worker" in sys.orig_argv and (named := os.environ.get("BENCH_STOCK")):
        _leave_out(frozenset(named.split(",")))
