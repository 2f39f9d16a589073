"""How long a refusal takes: from the first byte that is none of the web's until the tunnel is closed.

    .venv/bin/python -m bench.bench_refusals

The promise is a median under 300 ms, and none over 6 s. Who says nothing, or half a word, is waited for: those are
counted apart, and are the longest.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from tests.e2e.network import Network
from tests.e2e.product import PASSWORDS, Product
from tests.e2e.test_tunnels import AT_ONCE, LONGEST, opened

TIMES = 30
WAITED_FOR = {"half a word": b"GE", "nothing": b""}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        network = Network.create(Path(folder))
        product = Product.create(Path(folder) / "district", network)
        product.done("users", "add", "ana", "--password-stdin", text=PASSWORDS["ana"] + "\n")
        try:
            _run(product.start(), network)
        finally:
            product.kill()
            network.close()


def _run(product: Product, network: Network) -> None:
    print(f"{'refused':<36} {'behind':<8} {'n':>4} {'median ms':>10} {'longest ms':>11}")
    everything: list[float] = []
    for tls in (False, True):
        for name, (said, _) in AT_ONCE.items():
            times = [_refusal(product, network, said, tls=tls) for _ in range(TIMES)]
            everything += times
            _print(name, times, tls=tls)
    _print("all of these", everything)
    for name, said in WAITED_FOR.items():
        _print(name, [_refusal(product, network, said, tls=False)], tls=False)


def _refusal(product: Product, network: Network, said: bytes, *, tls: bool) -> float:
    """Seconds until a tunnel in which this is said is closed."""
    with opened(product, network, network.fresh("allowed.test"), tls=tls) as client:
        began = time.perf_counter()
        if said:
            client.send(said)
        if not client.closed_within(LONGEST):
            raise SystemExit(f"a tunnel was still open after {LONGEST:g} s: {said!r}")
        return time.perf_counter() - began


def _print(name: str, times: list[float], *, tls: bool | None = None) -> None:
    behind = {None: "", False: "CONNECT", True: "TLS"}[tls]
    median, longest = statistics.median(times) * 1000, max(times) * 1000
    print(f"{name:<36} {behind:<8} {len(times):>4} {median:10.1f} {longest:11.1f}", flush=True)


if __name__ == "__main__":
    main()
