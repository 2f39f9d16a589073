"""The whole table is played once; the tests then look at what each case came to."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.e2e.network import Network
from tests.e2e.product import PASSWORDS, wait_for
from tests.faults.clients import Case, Seen, ask
from tests.faults.places import HTTP, PLACES, Kind, Place, Way
from tests.faults.stage import FaultyProduct, Origins

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.clients import Where

AT_ONCE = 60
LONG = 60.0  # seconds of silence that a worker of these tests may keep where none is hung
LATE_SECONDS = 20.0


@dataclass(frozen=True)
class Row:
    """One case of the table. `case.client` is an address that no other case has."""

    place: Place
    kind: Kind
    case: Case

    @property
    def sentence(self) -> str:
        return f"{self.place.name} ({self.place.sentence}): {self.kind}, {self.case.way}"

    @property
    def faults(self) -> dict[str, str]:
        before = {self.place.after: Kind.RAISE.value} if self.place.after else {}
        return before | {self.place.name: self.kind.value}


def rows() -> list[Row]:
    """Every place x every kind x every way that it can be reached."""
    cases = [(place, kind, way) for place in PLACES for kind in place.kinds for way in place.ways]
    return [
        Row(place, kind, Case(f"127.77.{number // 250}.{number % 250 + 1}", way, place.asks))
        for number, (place, kind, way) in enumerate(cases)
    ]


@dataclass(frozen=True)
class Played:
    """What became of the cases: what clients saw, what was reached, recorded and sent on."""

    seen: dict[str, Seen]
    fired: set[tuple[str, str]]
    reasons: dict[str, list[str]]
    begun: dict[str, int]
    heard: bytes
    after: list[Seen]  # another client's request behind every case
    workers: tuple[set[int], set[int]]
    output: str


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Everything that can be played with workers that live: all but the synchronous hangs."""
    network = Network.create(tmp_path_factory.mktemp("network"))
    try:
        yield asyncio.run(play(tmp_path_factory.mktemp("district"), network))
    finally:
        network.close()


async def play(folder: Path, network: Network) -> Played:
    origins = Origins()
    async with origins.listening(network):
        return await play_before(origins, folder, network)


async def play_before(origins: Origins, folder: Path, network: Network) -> Played:
    todo = [row for row in rows() if row.kind is not Kind.SYNC_HANG]
    product = FaultyProduct.create(folder, network).prepare({row.case.client: row.faults for row in todo}, 2, LONG)
    try:
        product.done("users", "add", "ana", "--password-stdin", text=PASSWORDS["ana"] + "\n")
        await asyncio.to_thread(product.start)
        await asyncio.to_thread(wait_for, product.told, 10, "the workers' word")
        before = product.workers()
        pairs = await asked([row.case for row in todo], product.where())
        await all_recorded(product, todo)
        workers = (before, product.workers())
        product.terminate()
        assert await asyncio.to_thread(product.ended) == 0
    finally:
        product.kill()
    seen = {row.case.client: pair[0] for row, pair in zip(todo, pairs, strict=True)}
    after = [pair[1] for pair in pairs]
    return Played(
        seen, product.fired(), product.reasons(), product.begun(), origins.heard, after, workers, product.output
    )


async def asked(cases: list[Case], where: Where) -> list[tuple[Seen, Seen]]:
    """Play the cases, many at once, each followed by a request of a client that has no fault."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> tuple[Seen, Seen]:
        async with gate:
            return await ask(case, where), await ask(Case("127.78.0.1", HTTP, "page"), where)

    return await asyncio.gather(*map(one, cases))


async def all_recorded(product: FaultyProduct, todo: list[Row]) -> None:
    """Wait until the log has what it shall have, and then for what it shall not; at most LATE_SECONDS."""
    end = time.monotonic() + LATE_SECONDS
    expected = sum(row.place.records for row in todo)
    while time.monotonic() < end:
        reasons = product.reasons()
        if sum(len(reasons.get(row.case.client, [])) for row in todo) >= expected:
            break
        await asyncio.sleep(0.5)
    await asyncio.sleep(1.5)


__all__ = ["Played", "Row", "Way", "played", "rows"]
