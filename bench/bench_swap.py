"""A changed list of a million domains, applied by the real command under 50 requests a second.

    .venv/bin/python -m bench.bench_swap [--domains 1000000]

Two workers, plain and intercepted HTTPS in turn, half of each. The times of requests in three phases: before, while the
command compiles, and around the swap (the second before the command's end to three seconds after it).
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import threading
import time
from pathlib import Path

from categories.generations import current
from categories.index import CategoryIndex
from tests.e2e.load import Answered, Load
from tests.e2e.network import Network
from tests.e2e.product import PASSWORDS, Product

QUIET_SECONDS = 10
AROUND = (1.0, 3.0)  # seconds before and after the end of the command


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--domains", type=int, default=1_000_000)
    domains = parser.parse_args().domains
    with tempfile.TemporaryDirectory() as name:
        network = Network.create(Path(name))
        product = _product(Path(name) / "district", network, domains)
        try:
            product.start()
            _measure(product, network, domains)
            _longest_stall(product)
            product.stop()
        finally:
            product.kill()
            network.close()


def _product(folder: Path, network: Network, domains: int) -> Product:
    folder.mkdir()
    product = Product.create(folder, network)
    large = {"name": "large", "format": "domains", "path": "lists/large.txt", "category": "gambling"}
    product.settings["lists"].append(large)
    product.write()
    _write(product, 0, domains)
    product.done("users", "add", "ana", "--password-stdin", text=PASSWORDS["ana"] + "\n")
    product.command("lists", "update", seconds=600)  # so that the start does not have to
    return product


def _write(product: Product, version: int, domains: int) -> None:
    with (product.folder / "lists" / "large.txt").open("w") as file:
        for number in range(version, version + domains):
            file.write(f"d{number}.made-up-{number % 9973}.test\n")


def _measure(product: Product, network: Network, domains: int) -> None:
    with Load.of(product, network, rate=50) as load:
        time.sleep(QUIET_SECONDS)
        began = time.monotonic()
        _write(product, 1, domains)
        assert product.command("lists", "update", seconds=600).returncode == 0
        ended = time.monotonic()
        time.sleep(AROUND[1])
    print(f"a list of {domains} domains, 50 requests a second; the command took {ended - began:.1f} s")
    phases = {
        "before": (began - QUIET_SECONDS + 2, began),
        "compiling": (began, ended - AROUND[0]),
        "swap": (ended - AROUND[0], ended + 60),
    }
    print(f"{'phase':<10} requests  p50 ms  p99 ms  max ms")
    for name, (first, last) in phases.items():
        print(f"{name:<10} {_figures([each for each in load.answered if first <= each.at < last])}")
    bad = [each for each in load.answered if each.status != 200]
    print(f"errors: {len(bad) + len(load.broken) + len(load.refused)}")


def _figures(answered: list[Answered]) -> str:
    times = sorted(each.took * 1000 for each in answered)
    p50, p99 = (times[int(len(times) * share)] for share in (0.5, 0.99))
    return f"{len(times):8} {p50:7.1f} {p99:7.1f} {times[-1]:7.1f}"


def _longest_stall(product: Product) -> None:
    """How long a loop is held up while a thread beside it opens the index, as a worker does."""
    stalls, opened = asyncio.run(_beside(current(product.state / "lists")))
    print(f"opening the index takes {opened * 1000:.0f} ms in a thread; a loop stood still {max(stalls) * 1000:.1f} ms")


async def _beside(folder: Path) -> tuple[list[float], float]:
    stalls, stop = [], threading.Event()

    async def tick() -> None:
        while not stop.is_set():
            due = time.perf_counter() + 0.001
            await asyncio.sleep(0.001)
            stalls.append(time.perf_counter() - due)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.2)
    stalls.clear()
    began = time.perf_counter()
    index = await asyncio.to_thread(CategoryIndex.open, folder)
    opened = time.perf_counter() - began
    stop.set()
    await ticking
    index.close()
    return stalls, opened


if __name__ == "__main__":
    main()
