"""What one person waits beside 5,000 idle connections, slow heads, rapid resets and endless heads.

    .venv/bin/python -m bench.bench_crowd

The ratio to the quiet filter of the same run is what to quote; on two cores the crowd's own work counts too.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from tests.e2e.network import Network
from tests.e2e.product import PASSWORDS, Product
from tests.endurance.crowd import endless_head, idle, in_background, latencies, rapid_resets, room_for, slow_heads
from tests.endurance.measure import sample, workers

REQUESTS = 1000
IDLE = 5000
SLOW = 500


def main() -> None:
    room_for(IDLE + SLOW)
    with tempfile.TemporaryDirectory() as folder:
        network = Network.create(Path(folder))
        product = Product.create(Path(folder) / "district", network)
        for name in ("ana", "ben"):
            product.done("users", "add", name, "--password-stdin", text=PASSWORDS[name] + "\n")
        try:
            _run(product.start(), network)
        finally:
            product.kill()
            network.close()


def _run(product: Product, network: Network) -> None:
    latencies(product, network, 100)
    quiet = latencies(product, network, REQUESTS)
    print(f"{'beside':<34} {'p50 ms':>7} {'p99 ms':>7} {'max ms':>7}  p99/quiet   MiB of a worker")
    _print("nobody", quiet, quiet, product)
    crowds = {
        f"{IDLE} idle": [idle(product, network, IDLE)],
        f"{SLOW} slow heads": [in_background(product, network, slow_heads(SLOW))],
        "rapid resets": [in_background(product, network, rapid_resets)],
        "endless heads": [in_background(product, network, endless_head)],
    }
    for name, crowd in crowds.items():
        with contextlib.ExitStack() as stack:
            for each in crowd:
                stack.enter_context(each)
            _print(name, latencies(product, network, REQUESTS), quiet, product)
    _print("nobody, afterwards", latencies(product, network, REQUESTS), quiet, product)


def _print(name: str, times: list[float], quiet: list[float], product: Product) -> None:
    p50, p99, worst = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99, 0.9999))
    ratio = p99 / (quiet[int(len(quiet) * 0.99)] * 1000)
    resident = max(each.resident for each in sample(workers(product))) / 2**20
    print(f"{name:<34} {p50:7.1f} {p99:7.1f} {worst:7.1f} {ratio:10.2f} {resident:17.0f}", flush=True)


if __name__ == "__main__":
    main()
