"""Raw bytes into the front, into tunnels, into TLS and out of an origin: no crash, no hang, no leak.

    .venv/bin/python -m tests.endurance.fuzz [--minutes 10] [--run NUMBER]

A finding is printed with its opening, run and number: `--run R` says the same bytes in the same order again.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.network import Network, free_port
from tests.e2e.product import Product
from tests.e2e.raw import Client, credentials
from tests.endurance.measure import grown, sample, workers
from tests.endurance.mutation import mutated
from tests.endurance.openings import RAW_ZONE, Hung, Opening, answer_raw, openings

if TYPE_CHECKING:
    from collections.abc import Iterator

RAW_ADDRESS = "127.0.0.70"
AT_ONCE = 16
BATCH = 64  # cases of one opening, then the filter is looked at
ALIVE_SECONDS = 10.0
DESCRIPTORS = 40  # that a worker may hold besides; a batch that is not let go of holds some 64 in each of two
RELEASED_SECONDS = 20.0  # twice the idle times of `fuzzed_product`
#: What a worker says when something of ours or of mitmproxy's has failed.
CRASHES = ("Traceback", "crashed", "has died", "silent for", "starting it again", "failed, so")


@dataclass
class Findings:
    """What went wrong, and how much was tried."""

    cases: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Fuzz:
    """One running filter under fire. `run` chooses the bytes."""

    def __init__(self, product: Product, network: Network, run: int) -> None:
        self._product, self._network, self._run = product, network, run
        self._read = len(product.output)
        self._before = sample(workers(product))
        self.findings = Findings()

    async def fire(self, seconds: float, raw_port: int) -> Findings:
        """Go round all openings, once at least, until the time is up or something is wrong."""
        answered: list[bytes] = []
        server = await asyncio.start_server(functools.partial(answer_raw, answered), RAW_ADDRESS, raw_port)
        end = time.monotonic() + seconds
        everywhere = openings(self._product, self._network, raw_port, answered)
        async with server:
            for opening, start in self._turns(everywhere):
                await self._batch(opening, start)
                await self._released(opening)
                await self._look(f"{opening.name}, run {self._run}, cases {start} to {start + BATCH - 1}")
                tried = all(self.findings.cases[each.name] for each in everywhere)
                if self.findings.wrong or (tried and time.monotonic() > end):
                    return self.findings
        raise AssertionError("turns never end")

    def _turns(self, everywhere: list[Opening]) -> Iterator[tuple[Opening, int]]:
        start = 0
        while True:
            for opening in everywhere:
                yield opening, start
            start += BATCH

    async def _batch(self, opening: Opening, start: int) -> None:
        contacts = self._contacts()
        for number in range(start, start + BATCH, AT_ONCE):
            at_once = (self._case(opening, each) for each in range(number, min(number + AT_ONCE, start + BATCH)))
            await asyncio.gather(*at_once)
        if opening.forbidden and self._contacts() != contacts:
            self.findings.wrong.append(
                f"LEAK: an origin was contacted: {opening.name}, run {self._run}, cases {start}+"
            )

    async def _case(self, opening: Opening, number: int) -> None:
        self.findings.cases[opening.name] += 1
        try:
            await opening.say(mutated(opening.seeds, self._run, number))
        except Hung:
            self.findings.wrong.append(f"HANG: {opening.name}, run {self._run}, case {number}")
        except (OSError, asyncio.IncompleteReadError) as error:  # OSError: ssl's errors too
            self.findings.cases[f"{opening.name}: cut ({type(error).__name__})"] += 1

    async def _released(self, opening: Opening) -> None:
        """What has ended is let go of within the idle times, on both sides of the filter."""
        end = time.monotonic() + RELEASED_SECONDS
        while held := self._held():
            if time.monotonic() > end:
                self.findings.wrong.append(f"HELD: {held} after {opening.name}, run {self._run}")
                return
            await asyncio.sleep(0.2)

    def _held(self) -> str:
        """Say which workers hold more than they did before; each batch may leave a few that are kept on purpose."""
        return ", ".join(grown([*self._before, *sample(each.pid for each in self._before)], DESCRIPTORS))

    def _contacts(self) -> int:
        return self._network.contacts()

    async def _look(self, where: str) -> None:
        """Ask for a page, and read what the processes have said meanwhile."""
        try:
            status = await asyncio.to_thread(self._page)
        except (OSError, EOFError) as error:
            status = f"no answer ({type(error).__name__})"
        if status != 200:
            self.findings.wrong.append(f"DEAD: {status} for a good request after {where}")
        said = self._product.output
        new, self._read = said[self._read :], len(said)
        if any(crash in new for crash in CRASHES):
            self.findings.wrong.append(f"CRASH: {where}:\n{new[-3000:]}")

    def _page(self) -> object:
        with Client(self._product) as client:
            return client.get(self._network.plain_url("allowed.test"), credentials("ana")).status


def fuzzed_product(folder: Path, network: Network, raw_port: int) -> Product:
    """A filter with short times, and an origin of ours whose answers are not HTTP."""
    product = Product.create(folder / "district", network)
    proxy = product.settings["proxy"]
    proxy["allow_ports"].append(raw_port)
    decided = {"owner": "network office", "reason": "an origin that says anything", "since": "2026-11-01"}
    proxy["private_networks"]["allow"].append({"network": f"{RAW_ADDRESS}/32", **decided})
    proxy["limits"] = {"head_seconds": 2, "hello_seconds": 2, "idle_seconds": 4, "tunnel_idle_seconds": 6}
    product.write()
    network.also[RAW_ZONE] = RAW_ADDRESS
    network.fresh("allowed.test")  # so that the new name is written down
    product.open_accounts("ana")
    return product


def fuzz(folder: Path, seconds: float, run: int) -> Findings:
    """Fire for so long, and see what the filter holds afterwards."""
    network = Network.create(folder)
    try:
        raw_port = free_port(RAW_ADDRESS)
        product = fuzzed_product(folder, network, raw_port).start()
        try:
            return _fired(product, network, Fuzz(product, network, run), seconds, raw_port)
        finally:
            product.kill()
    finally:
        network.close()


def _fired(product: Product, network: Network, firing: Fuzz, seconds: float, raw_port: int) -> Findings:
    with socket.create_connection(("127.0.0.1", product.port)):
        before = sample(workers(product))
    findings = asyncio.run(firing.fire(seconds, raw_port))
    time.sleep(8)  # what is idle is closed
    after = sample(workers(product))
    for old, new in zip(before, after, strict=False):
        more = (new.resident - old.resident) / 2**20
        print(f"worker {old.pid}: {more:+.1f} MiB, {new.descriptors - old.descriptors:+d} descriptors")
    findings.wrong += [f"LEAK: {each}" for each in grown([*before, *after], DESCRIPTORS)]
    if [each.pid for each in before] != [each.pid for each in after]:
        findings.wrong.append(f"CRASH: workers were replaced:\n{product.output[-3000:]}")
    return findings


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--run", type=int, default=random.randrange(10**9))
    arguments = parser.parse_args()
    print(f"run {arguments.run}, {arguments.minutes:g} minutes", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        findings = fuzz(Path(folder), arguments.minutes * 60, arguments.run)
    for name, count in sorted(findings.cases.items()):
        print(f"{count:8d}  {name}")
    for wrong in findings.wrong:
        print(wrong)
    print("nothing found" if not findings.wrong else f"{len(findings.wrong)} findings")
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
