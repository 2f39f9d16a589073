"""Requests through Breakwater (filtering, identity and logging on) and through stock mitmdump, in turn, in one run.

    .venv/bin/python -m bench.bench_proxy

CPU seconds per 1,000 requests are those of the proxy's own processes; the ratio is what to quote. All on loopback,
bounded in count: three rounds a load.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.origin import ADDRESS, Origin

ROUNDS = 3
CONNECTIONS = 8
REQUESTS = 1500
NEW_CONNECTIONS = 150
TICKS = os.sysconf("SC_CLK_TCK")
BIN = Path(sys.executable).parent
USER = "bench:a-long-password-1"


@dataclass
class Proxy:
    """A running proxy: where it listens, whom it trusts, what its processes cost."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    authority: Path

    def pids(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def cpu(self) -> float:
        """Seconds of user and system time so far, the collector's included."""
        return sum(_cpu(pid) for pid in self.pids())

    def memory(self) -> int:
        """Resident bytes of the largest process."""
        return max(_resident(pid) for pid in self.pids())

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def breakwater(folder: Path, origin: Origin) -> Proxy:
    config = folder / "district.yaml"
    config.write_text(f"""
district: {{name: Bench}}
state_dir: state
retention: {{records: 90d, evidence: 10y, cases: 10y}}
starter_only: true
metrics: {{listen: "127.0.0.1:29109"}}
proxy:
  listen: ["127.0.0.1:28080"]
  workers: 1
  allow_ports: [80, 443, {origin.plain_port}, {origin.tls_port}]
  private_networks: {{allow: [{{network: "{ADDRESS}/32", owner: bench, reason: origin, since: 2026-11-01}}]}}
  extra_trust: [{origin.authority}]
""")
    name, _, password = USER.partition(":")
    command = [str(BIN / "breakwater"), "users", "add", name, "--password-stdin", "--config", str(config)]
    subprocess.run(command, input=password.encode(), check=True, stderr=subprocess.DEVNULL)
    command = [str(BIN / "breakwater"), "run", "--config", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return _ready(Proxy("breakwater", 28080, process, folder / "state" / "ca" / "authority.crt"))


def mitmdump(folder: Path, origin: Origin) -> Proxy:
    options = {"confdir": folder, "ssl_verify_upstream_trusted_ca": origin.authority}
    settings = [part for name, value in options.items() for part in ("--set", f"{name}={value}")]
    command = [str(BIN / "mitmdump"), "-q", "--listen-host", "127.0.0.1", "--listen-port", "28081", *settings]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return _ready(Proxy("mitmdump", 28081, process, folder / "mitmproxy-ca-cert.pem"))


def _ready(proxy: Proxy) -> Proxy:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", proxy.port)) == 0 and proxy.authority.exists():
                return proxy
        time.sleep(0.1)
    raise RuntimeError(f"{proxy.name} does not listen")


CREDENTIALS = f"Proxy-Authorization: Basic {base64.b64encode(USER.encode()).decode()}\r\n"


class Client:
    """One connection through a proxy, plain or inside an intercepted tunnel."""

    def __init__(self, proxy: Proxy, origin: Origin, *, tls: bool) -> None:
        self._proxy, self._origin, self._tls = proxy, origin, tls

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._proxy.port)
        self.request = (
            f"GET http://{ADDRESS}:{self._origin.plain_port}/ HTTP/1.1\r\n"
            f"Host: {ADDRESS}:{self._origin.plain_port}\r\n{CREDENTIALS}\r\n"
        ).encode()
        if self._tls:
            target = f"{ADDRESS}:{self._origin.tls_port}"
            self.writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{CREDENTIALS}\r\n".encode())
            await self.reader.readuntil(b"\r\n\r\n")
            context = ssl.create_default_context(cafile=self._proxy.authority)
            await self.writer.start_tls(context, server_hostname=ADDRESS)
            self.request = f"GET / HTTP/1.1\r\nHost: {target}\r\n\r\n".encode()

    async def get(self) -> float:
        started = time.perf_counter()
        self.writer.write(self.request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head[:400]
        await self.reader.readexactly(Origin.BODY)
        return time.perf_counter() - started

    def close(self) -> None:
        self.writer.close()


async def kept(proxy: Proxy, origin: Origin, *, tls: bool) -> list[float]:
    clients = [Client(proxy, origin, tls=tls) for _ in range(CONNECTIONS)]
    for client in clients:
        await client.open()
        await client.get()

    async def many(client: Client) -> list[float]:
        return [await client.get() for _ in range(REQUESTS // CONNECTIONS)]

    times = [each for made in await asyncio.gather(*map(many, clients)) for each in made]
    for client in clients:
        client.close()
    return times


async def new(proxy: Proxy, origin: Origin, *, tls: bool) -> list[float]:
    async def one(_: int) -> float:
        started = time.perf_counter()
        client = Client(proxy, origin, tls=tls)
        await client.open()
        await client.get()
        client.close()
        return time.perf_counter() - started

    times: list[float] = []
    for start in range(0, NEW_CONNECTIONS, CONNECTIONS):
        times += await asyncio.gather(*map(one, range(start, start + CONNECTIONS)))
    return times


Load = Callable[..., Awaitable[list[float]]]
LOADS: dict[str, tuple[Load, bool]] = {
    "plain HTTP, kept": (kept, False),
    "intercepted HTTPS, kept": (kept, True),
    "intercepted HTTPS, new connection each": (new, True),
}


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    with Origin(folder) as origin:
        proxies = []
        try:
            for start in (mitmdump, breakwater):
                (folder / start.__name__).mkdir()
                proxies.append(start(folder / start.__name__, origin))
            _run(proxies, origin)
        finally:
            for proxy in proxies:
                proxy.stop()
            shutil.rmtree(folder)


@dataclass(frozen=True)
class Round:
    """What one round of a load cost and how long its requests took, in seconds."""

    cpu: float
    elapsed: float
    times: list[float]


def _round(proxy: Proxy, origin: Origin, load: Load, *, tls: bool) -> Round:
    before, started = proxy.cpu(), time.perf_counter()
    times = sorted(asyncio.run(load(proxy, origin, tls=tls)))
    elapsed = time.perf_counter() - started
    time.sleep(0.3)  # the collector's share of the work comes after the answers
    return Round(proxy.cpu() - before, elapsed, times)


def _cost(rounds: list[Round]) -> float:
    """CPU seconds per 1,000 requests, the median of the rounds."""
    return median(each.cpu / len(each.times) * 1000 for each in rounds)


def _run(proxies: list[Proxy], origin: Origin) -> None:
    print(f"{'load':<40} {'proxy':<11} CPU s/1000  ratio   req/s  p50 ms  p99 ms   MiB")
    for name, (load, tls) in LOADS.items():
        rounds: dict[str, list[Round]] = {proxy.name: [] for proxy in proxies}
        for _ in range(ROUNDS):
            for proxy in proxies:
                rounds[proxy.name].append(_round(proxy, origin, load, tls=tls))
        stock = _cost(rounds["mitmdump"])
        for proxy in proxies:
            print(f"{name:<40} {proxy.name:<11} {_figures(proxy, rounds[proxy.name], stock)}")


def _figures(proxy: Proxy, rounds: list[Round], stock: float) -> str:
    cost, times = _cost(rounds), sorted(each for made in rounds for each in made.times)
    rate = median(len(each.times) / each.elapsed for each in rounds)
    p50, p99 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99))
    return f"{cost:10.3f} {cost / stock:6.2f} {rate:7.0f} {p50:7.1f} {p99:7.1f} {proxy.memory() / 2**20:5.0f}"


if __name__ == "__main__":
    main()
