"""The whole table is played once; the tests then look at what each case came to."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.e2e.network import Network
from tests.e2e.product import READY_SECONDS, wait_for
from tests.faults.cases import Case, Seen
from tests.faults.clients import PATIENCE, ask
from tests.faults.places import HTTP, PLACES, Kind, Place, Way
from tests.faults.stage import FaultyProduct, Origins

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from tests.faults.cases import Where

    Act = Callable[[Origins, Path, Network], Awaitable["Played | Hung"]]

AT_ONCE = 60
UNGUARDED = ("requestheaders", "responseheaders")  # the hooks that the mutation is tried on
LONG = 60.0  # seconds of silence that a worker of these tests may keep where none is hung
LATE_SECONDS = 20.0
AGAIN = 5  # times that a case is played at most
WORKERS = 16
SPARE = 4  # workers that serve while the others hang
SHORT = 3.0  # seconds of silence that a worker may keep where they are hung


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
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Everything that can be played with workers that live: all but the synchronous hangs."""
    return staged(tmp_path_factory, play)


def staged(folders: pytest.TempPathFactory, act: Act) -> Played | Hung:
    """Give what `act` shows before origins that hear everything."""
    network = Network.create(folders.mktemp("network"))
    try:
        return asyncio.run(_before_origins(network, folders.mktemp("district"), act))
    finally:
        network.close()


async def _before_origins(network: Network, folder: Path, act: Act) -> Played | Hung:
    origins = Origins()
    async with origins.listening(network):
        return await act(origins, folder, network)


async def play(origins: Origins, folder: Path, network: Network) -> Played:
    todo = [row for row in rows() if row.kind is not Kind.SYNC_HANG]
    product = FaultyProduct.create(folder, network).prepare({row.case.client: row.faults for row in todo}, 2, LONG)
    try:
        product.open_accounts("ana")
        await asyncio.to_thread(product.start)
        await asyncio.to_thread(wait_for, product.told, READY_SECONDS, "the workers' word")
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


@pytest.fixture(scope="module")
def mutated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Seen]]:
    """What clients see of hooks that raise, where a failure is only logged."""
    network = Network.create(tmp_path_factory.mktemp("network"))
    product = FaultyProduct.create(tmp_path_factory.mktemp("district"), network)
    todo = [row for row in rows() if row.place.hook in UNGUARDED and row.kind is Kind.RAISE]
    product.prepare({row.case.client: row.faults for row in todo}, 1, LONG)
    product.variables["BREAKWATER_MUTATION"] = "log only"
    try:
        product.open_accounts("ana")
        product.start()
        pairs = asyncio.run(asked([row.case for row in todo], product.where()))
        yield {row.sentence: pair[0] for row, pair in zip(todo, pairs, strict=True)}
        product.terminate()
        assert product.ended() == 0
    finally:
        product.kill()
        network.close()


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
    while time.monotonic() < end:
        reasons = product.reasons()
        if all(row.place.is_told(reasons.get(row.case.client, [])) for row in todo):
            break
        await asyncio.sleep(0.5)
    await asyncio.sleep(1.5)


@dataclass(frozen=True)
class Hung:
    """What became of the cases whose worker was hung and killed."""

    seen: dict[str, Seen]
    fired: set[tuple[str, str]]
    reasons: dict[str, list[str]]
    begun: dict[str, int]
    heard: bytes
    after: list[Seen]
    killed: int


@pytest.fixture(scope="module")
def hung(tmp_path_factory: pytest.TempPathFactory) -> Hung:
    """Every synchronous hang: a worker each, which the supervisor kills."""
    return staged(tmp_path_factory, hang)


async def hang(origins: Origins, folder: Path, network: Network) -> Hung:
    todo = [row for row in rows() if row.kind is Kind.SYNC_HANG]
    faults = {row.case.client: row.faults for row in todo}
    product = FaultyProduct.create(folder, network).prepare(faults, WORKERS, SHORT)
    try:
        product.open_accounts("ana")
        await asyncio.to_thread(product.start)
        seen, after = await hung_one_by_one(todo, product)
        product.terminate()
        await asyncio.to_thread(product.ended)
        await asyncio.sleep(1)
    finally:
        product.kill()
    killed = product.output.count("; killing it")
    return Hung(seen, product.fired(), product.reasons(), product.begun(), origins.heard, after, killed)


async def hung_one_by_one(todo: list[Row], product: FaultyProduct) -> tuple[dict[str, Seen], list[Seen]]:
    """Hang a worker, and while it waits to be killed the next one; a healthy client asks behind each of them.

    A case whose worker was hung by the one before, and killed, has not met its own fault: it is played again.
    """
    where, seen, after = product.where(), {}, []
    free = asyncio.Semaphore(WORKERS - SPARE)

    def fired(row: Row) -> bool:
        return (row.case.client, row.place.name) in product.fired()

    async def one(row: Row, ended: asyncio.Event) -> None:
        for _ in range(AGAIN):
            seen[row.case.client] = await ask(row.case, where)
            if await within(1, lambda: fired(row)):
                break
        free.release()
        ended.set()

    async with asyncio.TaskGroup() as group:
        for row in todo:
            await free.acquire()
            ended = asyncio.Event()
            group.create_task(one(row, ended))
            await within(PATIENCE, lambda row=row, ended=ended: ended.is_set() or fired(row))
            after.append(await ask(Case("127.78.0.1", HTTP, "page"), where))
    return seen, after


async def within(seconds: float, true: Callable[[], bool]) -> bool:
    """Look every 20 ms whether it is true by now; False where it has not become so."""
    for _ in range(int(seconds / 0.02)):
        if true():
            return True
        await asyncio.sleep(0.02)
    return true()


__all__ = ["Hung", "Played", "Row", "Way", "hung", "mutated", "played", "rows"]
