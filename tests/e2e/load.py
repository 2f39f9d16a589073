"""Requests at a steady rate, each with a path of its own, so that what a client saw can be held against the log."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import ssl
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.e2e.product import RECORD_SECONDS, wait_for
from tests.e2e.raw import SECONDS, credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.network import Network
    from tests.e2e.product import Product

CLIENTS = 12  # every other one inside an intercepted tunnel
LARGE = 150_000  # bytes of every tenth answer: several chunks, so two rows


@dataclass(frozen=True)
class Answered:
    """A whole answer: what was asked, when it was there, how long it took in seconds."""

    path: str
    status: int
    at: float
    took: float


@dataclass
class Load:
    """`rate` requests a second between `__enter__` and `__exit__`. A connection that breaks is opened anew."""

    product: Product
    host: str
    ports: tuple[int, int]  # plain, TLS
    rate: float
    anew: int = 0  # so many of the clients open a connection for each request
    answered: list[Answered] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)  # asked for, and not wholly answered
    refused: list[str] = field(default_factory=list)  # connections that could not be made
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def of(cls, product: Product, network: Network, rate: float = 100, anew: int = 0) -> Load:
        return cls(product, network.fresh("allowed.test"), (network.plain_port, network.tls_port), rate, anew)

    def __enter__(self) -> Load:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load")
        self._thread.start()
        wait_for(lambda: len(self.answered) > self.rate / 2, SECONDS, "the load to run", lambda: self.refused[:3])
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(2 * SECONDS)
        assert not self._thread.is_alive()

    async def _run(self) -> None:
        context = ssl.create_default_context(cafile=self.product.authority)
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(self._client(number, context if number % 2 else None))
        await asyncio.sleep(0.1)  # for the transports to close

    async def _client(self, number: int, tls: ssl.SSLContext | None) -> None:
        pause, connection = CLIENTS / self.rate, None
        await asyncio.sleep(pause * number / CLIENTS)
        due = time.monotonic()
        while not self._stop.is_set():
            connection = connection or await self._opened(tls)
            if connection is not None:
                connection = await self._ask(connection)
            if connection is not None and number < self.anew:
                connection.close()
                connection = None
            due = max(due + pause, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
        if connection is not None:
            connection.close()

    async def _opened(self, tls: ssl.SSLContext | None) -> Connection | None:
        try:
            async with asyncio.timeout(SECONDS):
                return await Connection.open(self.product.port, self.host, self.ports, tls)
        except (OSError, EOFError, RefusedConnect) as error:
            self.refused.append(repr(error))
            return None

    async def _ask(self, connection: Connection) -> Connection | None:
        number = next(self._numbers)
        path = f"/bytes/{LARGE + number}" if number % 10 == 0 else f"/{number}"
        started = time.monotonic()
        try:
            async with asyncio.timeout(SECONDS):
                status, last = await connection.get(path)
        except (OSError, EOFError):
            self.broken.append(path)
            connection.close()
            return None
        now = time.monotonic()
        self.answered.append(Answered(path, status, now, now - started))
        if last:
            connection.close()
            return None
        return connection

    def statuses(self) -> Counter[int]:
        return Counter(each.status for each in self.answered)

    def longest_gap(self) -> float:
        """Seconds in which nobody got an answer."""
        return max(after.at - before.at for before, after in itertools.pairwise(self.answered))

    def recorded(self, seconds: float = RECORD_SECONDS) -> Counter[str]:
        """Waits until every whole answer has its record. How many decisions each path has."""
        wait_for(lambda: not self.missing(), seconds, "every record", lambda: sorted(self.missing())[:10])
        time.sleep(0.7)
        return self.decisions()

    def decisions(self, event: str = "decision") -> Counter[str]:
        return Counter(row["path"] for row in self.product.records(host=self.host, event=event))

    def missing(self) -> set[str]:
        return {each.path for each in self.answered} - self.decisions().keys()


@contextmanager
def locked_out(product: Product) -> Iterator[None]:
    """Holds the lock of the day file, so that the collector can store nothing."""
    [day] = (product.state / "log").glob("*.db")
    with closing(sqlite3.connect(day, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield


class RefusedConnect(Exception):
    """CONNECT was answered with something else than 200."""


class Connection:
    """One client connection, plain or inside an intercepted tunnel."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, prefix: str, head: str) -> None:
        self._reader, self._writer, self._prefix, self._head = reader, writer, prefix, head

    @classmethod
    async def open(cls, proxy: int, host: str, ports: tuple[int, int], tls: ssl.SSLContext | None) -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
        target, user = f"{host}:{ports[tls is not None]}", credentials("ana")
        if tls is None:
            return cls(reader, writer, f"http://{target}", f"Host: {target}\r\n{user}")
        try:
            writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{user}\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RefusedConnect(head)
            await writer.start_tls(tls, server_hostname=host)
        except BaseException:
            writer.transport.abort()
            raise
        return cls(reader, writer, "", f"Host: {target}\r\n")

    async def get(self, path: str) -> tuple[int, bool]:
        """The status of a whole answer, and whether the connection ends with it."""
        self._writer.write(f"GET {self._prefix}{path} HTTP/1.1\r\n{self._head}\r\n".encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        await self._reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0]))
        return int(head.split(" ")[1]), "connection: close" in head

    def close(self) -> None:
        self._writer.transport.abort()
