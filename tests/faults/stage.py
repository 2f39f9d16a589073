"""The filter with faults in its workers, the origins behind it, and what both have seen of a client."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.certificates import server_context
from tests.e2e.district_folder import PUBLIC_NAME
from tests.e2e.network import ADDRESSES, free_port
from tests.e2e.product import Product
from tests.faults.cases import Where

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.e2e.network import Network

ROOT = Path(__file__).parents[2]
TUNNEL, BROKEN = "127.0.0.81", "127.0.0.82"
SECRET = b"bytes of the origin"


@dataclass
class Origins:
    """Two origins more: one says SECRET to whatever comes, one breaks off in the middle of its answer."""

    heard: bytes = b""

    @asynccontextmanager
    async def listening(self, network: Network) -> AsyncIterator[None]:
        tls = server_context(network.authority.leaf("broken.test"), "http/1.1")
        servers = [
            await asyncio.start_server(self._tunnel, TUNNEL, network.tls_port),
            await asyncio.start_server(self._broken, BROKEN, network.tls_port, ssl=tls),
            await asyncio.start_server(self._broken, BROKEN, network.plain_port),
        ]
        yield
        for server in servers:
            server.close()
            server.abort_clients()
        await asyncio.sleep(0.1)

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                self.heard += data
                writer.write(SECRET)
        writer.close()

    async def _broken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 100\r\n\r\n"
            writer.write(head + bytes(16) + SECRET)  # no text, which would be held until it is whole
            await writer.drain()
        writer.close()


class FaultyProduct(Product):
    """A filter whose workers have the faults of `folder`/faults.json."""

    def prepare(self, faults: dict[str, dict[str, str]], workers: int, patience: float) -> FaultyProduct:
        """Take the faults of every client, and how long a worker may be silent, in seconds."""
        self.variables = {
            "BREAKWATER_FAULTS": str(self.folder),
            "BREAKWATER_PATIENCE": str(patience),
            "PYTHONPATH": str(ROOT),
        }
        self.program = (sys.executable, "-P", "-m", "tests.faults.run")
        decided = {"owner": "network office", "reason": "origins of the tests", "since": "2026-11-01"}
        proxy = self.settings["proxy"]
        proxy["workers"] = workers
        proxy["passthrough"] = [{"host": "tunnel.test", **decided}]
        proxy["private_networks"]["allow"] += [{"network": f"{ip}/32", **decided} for ip in (TUNNEL, BROKEN)]
        proxy["transparent"] = {
            "listen": [f"127.0.0.1:{free_port('127.0.0.1')}"],
            "networks": [{"name": f"devices-{n}", "network": f"127.77.{n}.0/22", **decided} for n in (0, 4, 8)],
        }
        self.variables["BREAKWATER_ORIGINAL"] = f"{ADDRESSES['allowed.test']} {self.network.tls_port}"
        proxy["limits"] = {
            "dns_seconds": 2,
            "hello_seconds": 5,
            "head_seconds": 8,
            "connect_seconds": 4,
            "drain_seconds": 3,
        }
        self.write()
        self.network.also.update({"tunnel.test": TUNNEL, "broken.test": BROKEN})
        self.network._write_hosts()
        (self.folder / "faults.json").write_text(json.dumps(faults))
        (self.folder / "fired.txt").touch()
        return self

    def where(self) -> Where:
        transparent = int(self.settings["proxy"]["transparent"]["listen"][0].rpartition(":")[2])
        return Where(
            self.port, transparent, self.network.tls_port, self.network.plain_port, PUBLIC_NAME, self.authority
        )

    def fired(self) -> set[tuple[str, str]]:
        """(client, place) of every fault that was reached."""
        lines = (self.folder / "fired.txt").read_text().splitlines()
        return {(line.split(" ")[0], line.split(" ")[1]) for line in lines}

    def reasons(self) -> dict[str, list[str]]:
        """The reason that the log ends on, for every decision about each client."""
        last: dict[str, tuple[str, str]] = {}
        decisions: Counter[str] = Counter()
        for row in self.records():
            last[row["id"]] = (row["client"], row["reason"])
            decisions[row["id"]] += row["event"] == "decision"
        found: dict[str, list[str]] = {}
        for number, (client, reason) in last.items():
            found.setdefault(client, []).extend([reason] * decisions[number])
        return found

    def begun(self) -> Counter[str]:
        """How many requests of each client an origin has had."""
        origins = (*self.network.origins.values(), *self.network.plain.values())
        return Counter(target.partition("?")[2] for origin in origins for target in origin.begun)

    def told(self) -> bool:
        """True once the workers have said who they are."""
        return (self.state / "run" / "status.json").exists()

    def workers(self) -> set[int]:
        told = json.loads((self.state / "run" / "status.json").read_text())
        return {worker["pid"] for worker in told["workers"]}
