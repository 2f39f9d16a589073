"""Counted ways to a server: a relay that says how often it was asked, how long each time, and what came back.

The real servers of the tests cannot tell what reached them, and a client cannot tell how long it was kept waiting.
A gate before the server answers the first, a gate before the filter the second.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

READ = 65536
QUIET = 1.0  # seconds


@dataclass
class Passage:
    """One connection through a gate. Times are of time.monotonic(); 0 where it has not come to that."""

    asked: float = field(default_factory=time.monotonic)  # when the client's last byte came; before it, when it came
    settled: float = 0.0  # when, after that, the other side first spoke or closed, or the client left
    back: int = 0  # bytes that the other side sent
    left: bool = False  # the client ended it
    cut: bool = False  # the other side did

    def ask(self) -> None:
        self.asked, self.settled = time.monotonic(), 0.0

    def settle(self) -> None:
        self.settled = self.settled or time.monotonic()

    @property
    def quiet(self) -> bool:
        return 0 < self.settled < time.monotonic() - QUIET

    @property
    def waited(self) -> float:
        """Seconds between the client's last word and an answer or an end."""
        return (self.settled or time.monotonic()) - self.asked


@dataclass
class Gate:
    """One listening address. `passages` only grows."""

    address: str
    port: int
    behind: tuple[str, int]
    tls: ssl.SSLContext | None = None
    connect: bytes = b""  # a CONNECT that has to be answered with 200 first: the gate leads through a proxy
    passages: list[Passage] = field(default_factory=list)

    @property
    def connections(self) -> int:
        return len(self.passages)

    @property
    def over(self) -> int:
        """Connections that the server ended, or on which nobody has said more for a while."""
        return sum(passage.cut or passage.quiet for passage in self.passages)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passage = Passage()
        self.passages.append(passage)
        with suppress(OSError, EOFError), closing(writer):
            inner_reader, inner_writer = await asyncio.open_connection(*self.behind)
            with closing(inner_writer):
                if await self._led_on(inner_reader, inner_writer):
                    await self._relay(reader, writer, inner_reader, inner_writer, passage)

    async def _led_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(self.connect)
        return not self.connect or b" 200 " in (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0]

    async def _relay(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        inner_reader: asyncio.StreamReader,
        inner_writer: asyncio.StreamWriter,
        passage: Passage,
    ) -> None:
        there = asyncio.ensure_future(_asking(reader, inner_writer, passage))
        try:
            await _answering(inner_reader, writer, passage)
        finally:
            there.cancel()


async def _asking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passage: Passage) -> None:
    with suppress(OSError):
        while data := await reader.read(READ):
            passage.ask()
            writer.write(data)
            await writer.drain()
        passage.settle()
        passage.left = not passage.cut
        writer.write_eof()


async def _answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passage: Passage) -> None:
    try:
        while data := await reader.read(READ):
            passage.settle()
            passage.back += len(data)
            writer.write(data)
            await writer.drain()
    finally:
        passage.settle()
        passage.cut = not passage.left


class Gates:
    """Runs every gate on one event loop in one thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="gates")
        self._thread.start()

    def open(self, gate: Gate) -> Gate:
        asyncio.run_coroutine_threadsafe(self._listen(gate), self._loop).result(10)
        return gate

    async def _listen(self, gate: Gate) -> None:
        server = await asyncio.start_server(
            gate.serve, gate.address, gate.port, family=socket.AF_INET, ssl=gate.tls, reuse_address=True
        )
        self._servers.append(server)

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
            server.abort_clients()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
