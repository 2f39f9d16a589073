"""A router of the kernel's with clients of every IP version, a district's servers and the internet around it."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.e2e.namespaces import ROOT, Machine, cable, machines, router

if TYPE_CHECKING:
    from collections.abc import Iterator

SITE = {4: "203.0.113.10", 6: "2001:db8:f::10"}  # somebody on the internet
VENDOR = {4: "198.51.100.7", 6: "2001:db8:99::7"}  # of a conferencing service
FILTER = {4: "10.9.0.5", 6: "2001:db8:9::5"}
RESOLVER = {4: "10.9.0.53", 6: "2001:db8:9::53"}
SERVER = {4: "10.9.0.80", 6: "2001:db8:9::80"}
PROXY, CALLS = 8080, 3478
OPEN = [("tcp", port) for port in (22, 53, 80, 443, 853, 6881, 8443)]
OPEN += [("udp", port) for port in (53, 80, 443, 853, 1194, 3478, 6881, 51820)]


class World:
    """Three clients, the district's servers and the internet, around a router."""

    def __init__(self, router: Machine, four: Machine, six: Machine, dual: Machine, *others: Machine) -> None:
        self.router = router
        self.district, self.internet = others
        self.clients = {"IPv4-only": four, "IPv6-only": six, "dual-stack": dual}
        for machine, ours, theirs in (
            (four, ["10.1.4.1/24"], ["10.1.4.2/24"]),
            (six, ["2001:db8:1:6::1/64"], ["2001:db8:1:6::2/64"]),
            (dual, ["10.1.46.1/24", "2001:db8:1:46::1/64"], ["10.1.46.2/24", "2001:db8:1:46::2/64"]),
            (self.district, ["10.9.0.1/24", "2001:db8:9::1/64"], []),
            (self.internet, ["203.0.113.1/24", "2001:db8:f::1/64"], []),
        ):
            cable(router, machine, to_one="uplink", to_other=machine.name)
            router.address(machine.name, *ours)
            machine.address("uplink", *theirs)
        for place in (FILTER, RESOLVER, SERVER):
            self.district.address("uplink", f"{place[4]}/24", f"{place[6]}/64")
        self.internet.address("uplink", f"{SITE[4]}/24", f"{SITE[6]}/64")
        self.internet.address("lo", f"{VENDOR[4]}/32", f"{VENDOR[6]}/128")
        for machine, gateways in (
            (four, ["10.1.4.1"]),
            (six, ["2001:db8:1:6::1"]),
            (dual, ["10.1.46.1", "2001:db8:1:46::1"]),
            (self.district, ["10.9.0.1", "2001:db8:9::1"]),
            (self.internet, ["203.0.113.1", "2001:db8:f::1"]),
        ):
            machine.routes(*gateways)
        router.run("ip", "route", "add", f"{VENDOR[4]}/32", "via", SITE[4])
        router.run("ip", "-6", "route", "add", f"{VENDOR[6]}/128", "via", SITE[6])

    def versions(self, client: str) -> tuple[int, ...]:
        return {"IPv4-only": (4,), "IPv6-only": (6,), "dual-stack": (4, 6)}[client]

    def get(self, client: str, *arguments: str) -> tuple[int, str]:
        """What curl makes of it: exit code and body. It gives up after seconds in which an answer was promised."""
        done = self.clients[client].call("curl", "--silent", "--max-time", "6", "--noproxy", "", *arguments)
        return done.returncode, done.stdout


@contextmanager
def around_a_router() -> Iterator[World]:
    """Everybody in their place, all servers serving."""
    with machines("router", "four", "six", "dual", "district", "internet") as made:
        router(made[0])
        world, servers = World(*made), []
        everywhere = [(*socket, place[version]) for socket in OPEN for place in (SITE, VENDOR) for version in (4, 6)]
        own = [("tcp", PROXY, FILTER[v]) for v in (4, 6)] + [("tcp", 445, SERVER[v]) for v in (4, 6)]
        own += [(protocol, 53, RESOLVER[v]) for protocol in ("udp", "tcp") for v in (4, 6)]
        for machine, sockets in ((world.internet, everywhere), (world.district, own)):
            servers.append(serving(machine, [(protocol, address, port) for protocol, port, address in sockets]))
        yield world
        for server in servers:
            server.kill()
            server.communicate()


def serving(machine: Machine, sockets: list[tuple[str, str, int]]) -> subprocess.Popen[bytes]:
    """Answers on these sockets (protocol, address, port) until it is killed."""
    command = (sys.executable, "-m", "tests.e2e.attempts", "serve")
    server = machine.start(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    assert server.stdin
    assert server.stdout
    server.stdin.write(json.dumps(sockets).encode())
    server.stdin.close()
    assert server.stdout.readline() == b"ready\n"
    server.stdin = None
    return server
