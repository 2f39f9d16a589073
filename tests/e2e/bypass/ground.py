"""Where real clients are tried: servers under names that the filter's network knows, and two proxies that lead there.

One proxy is the filter, the other is tinyproxy, which lets everything through: what a client cannot do by the one and
can by the other, the filter has refused. All names listen on one port, which `allow_ports` holds, and their addresses
are listed in `private_networks`: no client is refused for a port or a private address alone.
"""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.e2e.bypass.gate import Gate, Gates
from tests.e2e.network import Network, free_port
from tests.e2e.product import PASSWORDS, Product, wait_for

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

USER, PASSWORD = "ben", PASSWORDS["ben"]
SECONDS = 20  # for anything that a client or a server does; far above what it takes
DECIDED = {"owner": "network office", "reason": "servers of the tests", "since": "2026-11-01"}

#: The names of the servers. Each has an address of its own below 127.0.1.0, in this order.
NAMES = (
    "ssh.test", "ssh-tls.test", "tinyproxy.test", "tunnel.test", "openvpn.test", "tls-crypt.test", "gateway.test",
    "bridge.test", "shadow.test", "obfs-http.test", "obfs-tls.test", "doh.test", "tracker.test", "torrents.test",
    "peer.test", "cdn.test", "article.test", "approved-ssh.test", "approved-gateway.test", "approved-vpn.test",
)  # fmt: skip

TUNNELS = {"approved-ssh.test": "ssh", "approved-gateway.test": "tls", "approved-vpn.test": "openvpn"}


def address_of(name: str) -> str:
    return f"127.0.1.{NAMES.index(name) + 1}"


@dataclass(frozen=True)
class Way:
    """A proxy as a client is told of it. The gate before it counts and times what the client asks of it."""

    gate: Gate
    refuses: bool

    @property
    def port(self) -> int:
        return self.gate.port

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{USER}:{PASSWORD}@{self.host}"

    def until(self, done: Callable[[str], bool]) -> Callable[[str], bool]:
        """For a client that tries for ever: until it is done, or the filter has had the last word once."""
        before = self.gate.over
        return lambda said: done(said) or (self.refuses and self.gate.over > before)


@dataclass
class Ground:
    """`open` lets everything through, `filter` is Breakwater."""

    network: Network
    folder: Path
    gates: Gates
    product: Product
    open: Way
    filter: Way
    port: int  # of every server
    printer: tuple[str, int]  # address and port of what may be addressed so
    _running: ExitStack = field(default_factory=ExitStack)
    _begun: dict[object, Any] = field(default_factory=dict)

    def once[T](self, begin: Callable[[Ground], AbstractContextManager[T]]) -> T:
        """What `begin` gives, begun at the first call and ended with the ground: a server that several clients use."""
        if begin not in self._begun:
            self._begun[begin] = self._running.enter_context(begin(self))
        given: T = self._begun[begin]
        return given

    def end(self) -> None:
        self._running.close()

    def serve(self, name: str, behind: tuple[str, int], tls: ssl.SSLContext | None = None) -> Gate:
        """Opens the gate of `name` to a server that listens on loopback; with `tls`, TLS ends at the gate."""
        return self.gates.open(Gate(address_of(name), self.port, behind, tls))

    @property
    def trust(self) -> Path:
        """The authorities of both ways: of the servers, and of the filter. A client who trusts both hides nothing."""
        file = self.folder / "trust.pem"
        file.write_bytes(self.network.authority.file.read_bytes() + self.product.authority.read_bytes())
        return file

    def led(self, way: Way, name: str) -> int:
        """A port on loopback that leads through a proxy to `name`, for clients that know no proxies."""
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        to = f"{name}:{self.port}"
        head = f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nProxy-Authorization: Basic {token}\r\n\r\n"
        port = free_port("127.0.0.1")
        return self.gates.open(Gate("127.0.0.1", port, ("127.0.0.1", way.port), connect=head.encode())).port

    def blocks(self, host: str) -> list[dict[str, Any]]:
        return self.product.records(host=host, action="block")


@contextmanager
def ground_in(folder: Path, network: Network) -> Iterator[Ground]:
    """A filter with its servers' names, and tinyproxy beside it."""
    network.also.update({name: address_of(name) for name in NAMES})
    network.fresh("allowed.test")  # writes the hosts again
    port = free_port(*map(address_of, NAMES))
    printer = ("127.0.1.200", free_port("127.0.1.200"))
    product = _product(folder, network, port, printer)
    gates, open_port = Gates(), free_port("127.0.0.1")
    try:
        with product.running(), _tinyproxy(folder, open_port, product.environment()):
            ways = (
                Way(gates.open(Gate("127.0.0.1", free_port("127.0.0.1"), ("127.0.0.1", each))), refuses)
                for each, refuses in ((open_port, False), (product.port, True))
            )
            ground = Ground(network, folder, gates, product, *ways, port, printer)
            try:
                yield ground
            finally:
                ground.end()
    finally:
        gates.close()


def _product(folder: Path, network: Network, port: int, printer: tuple[str, int]) -> Product:
    product = Product.create(folder, network)
    proxy = product.settings["proxy"]
    proxy["allow_ports"].append(port)
    proxy["private_networks"]["allow"].append({"network": "127.0.1.0/24", **DECIDED})
    proxy["approved_addresses"] = [{"address": "{}:{}".format(*printer), **DECIDED}]
    proxy["approved_tunnels"] = [{"host": h, "port": port, "protocol": p, **DECIDED} for h, p in TUNNELS.items()]
    product.write()
    product.done("users", "add", USER, "--password-stdin", text=PASSWORD + "\n")
    return product


@contextmanager
def _tinyproxy(folder: Path, port: int, environment: dict[str, str]) -> Iterator[None]:
    """Without ConnectPort it opens tunnels to any port."""
    settings = folder / "tinyproxy.conf"
    settings.write_text(f"Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nAllow 127.0.0.0/8\n")
    with daemon("tinyproxy", "-d", "-c", settings, folder=folder, port=port, environment=environment):
        yield


@contextmanager
def daemon(
    *command: object,
    folder: Path,
    port: int | None = None,
    ready: Callable[[str], bool] | None = None,
    environment: dict[str, str] | None = None,
) -> Iterator[Callable[[], str]]:
    """Runs a server until the end of the block; gives what it has said. It is ready when it listens, or says so."""
    file = folder / f"{command[0]}-{free_port('127.0.0.1')}.out"
    with file.open("wb") as output:
        process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
        )

    def up() -> bool:
        assert process.poll() is None, f"{command[0]} ended with {process.returncode}: {file.read_text()}"
        return (port is None or listens(port)) and (ready is None or ready(file.read_text()))

    try:
        wait_for(up, SECONDS, f"{command[0]} to be ready", file.read_text)
        yield lambda: file.read_text(errors="replace")
    finally:
        _ended(process)


def listens(port: int) -> bool:
    """True when something listens on the port on loopback; it is not connected to."""
    wanted = f":{port:04X} "
    return any(
        wanted in line and line.split()[3] == "0A" for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
    )


def ran(
    *command: object,
    environment: dict[str, str] | None = None,
    seconds: float = SECONDS,
    until: Callable[[str], bool] = lambda said: False,
) -> str:
    """Runs a client until it ends, `until` is true of what it said, or its time is up; what it said, both streams."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
        )
        try:
            end = time.monotonic() + seconds
            while process.poll() is None and time.monotonic() < end and not until(_said(output)):
                time.sleep(0.05)
        finally:
            _ended(process)
        return _said(output)


def _said(output: IO[bytes]) -> str:
    return os.pread(output.fileno(), 10_000_000, 0).decode(errors="replace")


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
