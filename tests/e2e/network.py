"""The made-up internet of the tests: which name lives at which loopback address, and what listens there.

All origins share one TLS port and one plain port; names resolve only in the proxy's processes (libnss-wrapper).
"""

from __future__ import annotations

import os
import random
import socket
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.e2e.certificates import DAY, Authority, server_context
from tests.e2e.origins import Origin, Origins, family_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADDRESSES = {
    "bank.test": "127.0.0.71",  # passed through: keeps its own certificate
    "expired.test": "127.0.0.72",
    "selfsigned.test": "127.0.0.73",
    "wrongname.test": "127.0.0.74",
    "closed.test": "127.0.0.75",  # nothing listens
    "older.test": "127.0.0.76",  # HTTP/1.1 only
    "allowed.test": "127.0.0.77",
    "blocked.test": "127.0.0.78",  # on a floor list
    "mixed.test": "127.0.0.79",  # /bad is on a floor list
    "private.test": "127.0.0.99",  # an address the settings don't allow
}
PRIVATE = "private.test"
KEPT = 24  # fresh names that resolve at a time: libnss-wrapper has room for 100 names and addresses together


@dataclass
class Network:
    """`origins` by name. A name from `fresh` is used by one test only, so that its records are that test's."""

    authority: Authority
    hosts_file: Path
    tls_port: int
    plain_port: int
    origins: dict[str, Origin]
    plain: dict[str, Origin]
    runner: Origins
    also: dict[str, str] = field(default_factory=dict)  # names that a test adds, with their address
    _fresh: list[str] = field(default_factory=list)

    @classmethod
    def create(cls, folder: Path) -> Network:
        authority, runner = Authority.create(folder), Origins()
        tls_port, plain_port = free_port(*ADDRESSES.values()), free_port(*ADDRESSES.values())
        network = cls(authority, folder / "hosts", tls_port, plain_port, {}, {}, runner)
        network._write_hosts()
        network._listen()
        return network

    def _listen(self) -> None:
        for name, pem, alpn in _certificates(self.authority):
            context = server_context(pem, *alpn)
            self.origins[name] = self.runner.listen(ADDRESSES[name], self.tls_port, context)
        for name in ("allowed.test", "older.test", "blocked.test", PRIVATE):
            self.plain[name] = self.runner.listen(ADDRESSES[name], self.plain_port)

    def fresh(self, zone: str) -> str:
        """A new sub-domain of `zone`, known to the proxy's processes at once."""
        name = f"n{len(self._fresh):03}.{zone}"
        self._fresh.append(name)
        self._write_hosts()
        return name

    def _write_hosts(self) -> None:
        """Replaced whole, with a time that differs: libnss-wrapper looks at full seconds."""
        fresh = {name: ADDRESSES[name.partition(".")[2]] for name in self._fresh[-KEPT:]}
        new = self.hosts_file.with_suffix(".new")
        new.write_text("".join(f"{address} {name}\n" for name, address in (ADDRESSES | self.also | fresh).items()))
        stamp = len(self._fresh) + 1
        os.utime(new, (stamp, stamp))
        new.replace(self.hosts_file)

    def url(self, host: str, path: str = "/page") -> str:
        return f"https://{host}:{self.tls_port}{path}"

    def plain_url(self, host: str, path: str = "/page") -> str:
        return f"http://{host}:{self.plain_port}{path}"

    def contacts(self) -> int:
        """Connections that any origin has accepted, from the beginning."""
        return sum(origin.connections for origin in (*self.origins.values(), *self.plain.values()))

    def close(self) -> None:
        self.runner.close()


def _certificates(authority: Authority) -> Iterator[tuple[str, Path, tuple[str, ...]]]:
    both, older = ("h2", "http/1.1"), ("http/1.1",)
    for name in ("allowed.test", "blocked.test", "mixed.test", "bank.test", PRIVATE):
        yield name, authority.leaf(name, f"*.{name}"), both
    yield "older.test", authority.leaf("older.test", "*.older.test"), older
    yield "expired.test", authority.leaf("expired.test", age=120 * DAY), both
    yield "selfsigned.test", authority.leaf("selfsigned.test", self_signed=True), both
    yield "wrongname.test", authority.leaf("somebody-else.test"), both


#: Ports that were given last: who has asked for one may not listen there yet.
_GIVEN: deque[int] = deque(maxlen=300)


def free_port(*addresses: str) -> int:
    """A port free at every address, below the range that the kernel gives to outgoing connections.

    None is given again soon; each process of a test run has its own eighth of them.
    """
    lane = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 8
    for _ in range(100):
        port = random.randrange(20000 + lane, 32000, 8)
        if port not in _GIVEN and all(_free(address, port) for address in addresses):
            _GIVEN.append(port)
            return port
    raise RuntimeError("no free port between 20000 and 32000")


def _free(address: str, port: int) -> bool:
    with socket.socket(family_of(address), socket.SOCK_STREAM) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return attempt.connect_ex((address, port)) != 0
