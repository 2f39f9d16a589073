"""Machines of the tests' own: network namespaces, joined by cables to a router."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
LIFE = "900"  # seconds after which a namespace that nobody has ended is gone

_NEEDS = "this test makes network namespaces: it needs root or user namespaces (unshare --net): see CONTRIBUTING.md"
_USER = os.geteuid() != 0  # then all namespaces belong to one user namespace in which we are root


@dataclass
class Machine:
    """A network namespace, held open by a process that sleeps in it."""

    name: str
    holder: subprocess.Popen[bytes]

    @property
    def inside(self) -> list[str]:
        """What makes a command run on this machine."""
        user = ["--user", "--preserve-credentials"] if _USER else []
        return [shutil.which("nsenter") or "nsenter", f"--target={self.holder.pid}", *user, "--net"]

    def run(self, *command: str, text: str | None = None) -> str:
        """Runs a command that has to succeed; its output."""
        done = subprocess.run([*self.inside, *command], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{self.name}: {command}: {done.stderr}"
        return done.stdout

    def call(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.inside, *command], capture_output=True, text=True, timeout=30, check=False)

    def start(self, *command: str, **more: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*self.inside, *command], **more)

    def address(self, interface: str, *addresses: str) -> None:
        for address in addresses:
            nodad = ("nodad",) if ":" in address else ()
            self.run("ip", "address", "add", address, "dev", interface, *nodad)

    def routes(self, *gateways: str) -> None:
        for gateway in gateways:
            self.run("ip", "-6" if ":" in gateway else "-4", "route", "add", "default", "via", gateway)

    def load(self, rules: str) -> None:
        """Puts nftables rules in force."""
        self.run("nft", "--file", "-", text=rules)

    def tries(self, *attempts: tuple[str, str, int]) -> list[str]:
        """What becomes of each attempt, (protocol, address, port): tests/e2e/attempts.py."""
        done = self.run(sys.executable, "-m", "tests.e2e.attempts", text=json.dumps(attempts))
        outcomes: list[str] = json.loads(done)
        return outcomes


@contextmanager
def machines(*names: str) -> Iterator[list[Machine]]:
    """Machines without any connection, each with its loopback."""
    assert shutil.which("unshare"), _NEEDS
    made: list[Machine] = []
    try:
        for name in names:
            made.append(_machine(name, made[0] if made else None))
        yield made
    finally:
        for each in made:
            each.holder.kill()
            each.holder.wait()


def _machine(name: str, first: Machine | None) -> Machine:
    enter, new = [], ["--map-root-user"] if _USER else []
    if _USER and first is not None:
        enter, new = ["nsenter", f"--target={first.holder.pid}", "--user", "--preserve-credentials"], []
    holder = subprocess.Popen([*enter, "unshare", *new, "--net", "sleep", LIFE])
    ours, end = Path("/proc/self/ns/net").readlink(), time.monotonic() + 20
    while not _entered(holder.pid, ours):
        assert holder.poll() is None, _NEEDS
        assert time.monotonic() < end, _NEEDS
        time.sleep(0.01)
    machine = Machine(name, holder)
    machine.run("ip", "link", "set", "lo", "up")
    return machine


def _entered(pid: int, ours: Path) -> bool:
    """True once the process has become the one that sleeps, in a namespace of its own."""
    program = Path(f"/proc/{pid}/comm").read_text().strip()
    return program == "sleep" and Path(f"/proc/{pid}/ns/net").readlink() != ours


def cable(one: Machine, other: Machine, *, to_one: str, to_other: str) -> None:
    """Joins two machines: `to_other` is the name of the interface on `one`, `to_one` of that on `other`."""
    peer = ("peer", "name", to_one, "netns", str(other.holder.pid))
    one.run("ip", "link", "add", "name", to_other, "type", "veth", *peer)
    one.run("ip", "link", "set", "dev", to_other, "up")
    other.run("ip", "link", "set", "dev", to_one, "up")


def router(machine: Machine) -> None:
    """Makes a machine pass packets on, and answer every packet that it refuses (docs/admin.md)."""
    for key, value in {
        "ipv4/ip_forward": 1,
        "ipv6/conf/all/forwarding": 1,
        "ipv4/icmp_ratelimit": 0,
        "ipv6/icmp/ratelimit": 0,
    }.items():
        machine.run("sh", "-c", f"echo {value} > /proc/sys/net/{key}")
