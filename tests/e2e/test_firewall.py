"""The rules that `breakwater firewall print` writes, on a router of the kernel's, with clients of every IP version."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import yaml

from config.load import loads
from proxy.firewall.border import border_of
from proxy.firewall.rules import render
from tests.config.district import BASE, SOUND
from tests.e2e.around_router import (
    CALLS,
    FILTER,
    PROXY,
    RESOLVER,
    SERVER,
    SITE,
    VENDOR,
    World,
    around_a_router,
    serving,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.firewall.border import Border

NOW = datetime.now(UTC)  # the kernel's clock: it is what ends an exemption
TODAY = NOW.date()
WHO = {"owner": "ITS", "reason": "needed", "since": str(TODAY - timedelta(30))}
LATER = NOW + timedelta(230)
CONFERENCING = {
    "name": "conferencing",
    "destinations": ["198.51.100.0/24", "2001:db8:99::/48"],
    "protocol": "udp",
    "ports": [CALLS, "8801-8810"],
    "until": str(TODAY + timedelta(200)),
    **WHO,
}
DISTRICT = {
    "schools": {"lincoln": ["10.1.4.0/24", "10.1.46.0/24", "2001:db8:1::/48"]},
    "proxy": {"listen": [f"10.9.0.5:{PROXY}", f"[2001:db8:9::5]:{PROXY}"], "allow_plain_basic": True},
    "firewall": {
        "resolvers": list(RESOLVER.values()),
        "inside": [{"network": "10.9.0.80/32", **WHO}],
        "exemptions": [CONFERENCING],
    },
}


def border(now: datetime = NOW, **changes: object) -> Border:
    return border_of(loads(SOUND + yaml.safe_dump({**DISTRICT, **changes}), "district.yaml", BASE, TODAY), now)


def rules(now: datetime = NOW, **changes: object) -> str:
    return render(border(now, firewall={**DISTRICT["firewall"], **changes}))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with around_a_router() as made:
        yield made


@pytest.fixture
def open_world(world: World) -> World:
    """No rules: everything is reached."""
    world.router.run("nft", "flush", "ruleset")
    return world


@pytest.fixture
def closed_world(world: World) -> World:
    world.router.load(rules())
    return world


CLIENTS = ("IPv4-only", "IPv6-only", "dual-stack")
REFUSED = [
    ("direct web", "tcp", SITE, 80),
    ("direct web over TLS", "tcp", SITE, 443),
    ("SSH", "tcp", SITE, 22),
    ("a proxy of somebody else", "tcp", SITE, 8443),
    ("QUIC", "udp", SITE, 443),
    ("QUIC to a vendor", "udp", VENDOR, 443),
    ("UDP 80", "udp", SITE, 80),
    ("DNS to another resolver", "udp", SITE, 53),
    ("DNS over TCP to another resolver", "tcp", SITE, 53),
    ("DNS over TLS", "tcp", SITE, 853),
    ("DNS over QUIC", "udp", SITE, 853),
    ("BitTorrent", "tcp", SITE, 6881),
    ("BitTorrent over UDP", "udp", SITE, 6881),
    ("OpenVPN", "udp", SITE, 1194),
    ("WireGuard", "udp", SITE, 51820),
    ("the exemption's port elsewhere", "udp", SITE, CALLS),
    ("another port at the exemption's place", "udp", VENDOR, 6881),
    ("the web at the exemption's place", "tcp", VENDOR, 443),
    ("another service of the filter's network", "tcp", FILTER, 22),
    ("TLS at the resolver", "tcp", RESOLVER, 853),
]
REACHED = [
    ("the filter", "tcp", FILTER, PROXY),
    ("the resolver", "udp", RESOLVER, 53),
    ("the resolver over TCP", "tcp", RESOLVER, 53),
    ("an exemption", "udp", VENDOR, CALLS),
]


def attempts(world: World, client: str, rows: list) -> dict[str, str]:
    """What becomes of each row, by its name and IP version."""
    versions = [
        (f"{name}, IPv{v}", (protocol, place[v], port))
        for name, protocol, place, port in rows
        for v in world.versions(client)
    ]
    outcomes = world.clients[client].tries(*(attempt for _, attempt in versions))
    return dict(zip((name for name, _ in versions), outcomes, strict=True))


@pytest.mark.parametrize("client", CLIENTS)
def test_without_the_rules_everything_is_reached(open_world: World, client: str) -> None:
    served = [row for row in REFUSED if row[2] in (SITE, VENDOR)]
    found = attempts(open_world, client, [*served, *REACHED])
    assert {name: outcome for name, outcome in found.items() if outcome != "answered"} == {}


@pytest.mark.parametrize("client", CLIENTS)
def test_what_goes_past_the_filter_is_refused_with_an_answer(closed_world: World, client: str) -> None:
    found = attempts(closed_world, client, REFUSED)
    assert {name: outcome for name, outcome in found.items() if outcome != "refused"} == {}


@pytest.mark.parametrize("client", CLIENTS)
def test_the_filter_the_resolver_and_an_exemption_are_reached(closed_world: World, client: str) -> None:
    found = attempts(closed_world, client, REACHED)
    assert {name: outcome for name, outcome in found.items() if outcome != "answered"} == {}


@pytest.mark.parametrize("client", CLIENTS)
def test_curl_gets_a_page_through_the_filter_alone(closed_world: World, client: str) -> None:
    version = closed_world.versions(client)[-1]
    host = f"[{SITE[6]}]" if version == 6 else SITE[4]
    proxy = f"http://[{FILTER[6]}]:{PROXY}" if version == 6 else f"http://{FILTER[4]}:{PROXY}"
    assert closed_world.get(client, f"http://{host}/") == (7, "")  # 7: refused, 28 would be the time limit
    assert closed_world.get(client, "--proxy", proxy, f"http://{host}/") == (0, "reached\n")


@pytest.mark.parametrize("client", CLIENTS)
def test_an_exemption_that_has_ended_is_refused(world: World, client: str) -> None:
    world.router.load(rules(LATER))
    assert set(attempts(world, client, REACHED[3:]).values()) == {"refused"}


def test_an_exemption_ends_though_nobody_loads_the_rules_again(world: World) -> None:
    """Rules of a day on which it was good still: the kernel knows its end."""
    ended = {**CONFERENCING, "until": str(TODAY - timedelta(3))}
    old = rules(NOW - timedelta(5), exemptions=[ended])
    assert "exemption conferencing" in old
    world.router.load(old)
    assert set(attempts(world, "dual-stack", REACHED[3:]).values()) == {"refused"}
    assert set(attempts(world, "dual-stack", REACHED[:3]).values()) == {"answered"}


def test_a_conversation_that_is_open_when_its_exemption_ends_is_refused_from_then_on(world: World) -> None:
    world.router.load(rules())
    talk = """
import socket, sys
sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sock.settimeout(6)
sock.connect(("2001:db8:99::7", 3478))
for _ in sys.stdin:
    try:
        sock.send(b"hello")
        said = "answered" if sock.recv(100) else "closed"
    except ConnectionRefusedError:
        said = "refused"
    except TimeoutError:
        said = "silent"
    print(said, flush=True)
"""
    client = world.clients["IPv6-only"].start(
        sys.executable, "-c", talk, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    assert client.stdin
    assert client.stdout
    said = []
    for now in (NOW, NOW, LATER):
        world.router.load(rules(now))
        client.stdin.write(b"\n")
        said.append(client.stdout.readline())
    client.communicate()
    assert said == [b"answered\n", b"answered\n", b"refused\n"]


def test_what_is_inside_is_reached_and_the_way_back_is_not_a_way_in(closed_world: World) -> None:
    [server] = closed_world.clients["dual-stack"].tries(("tcp", SERVER[4], 445))
    assert server == "answered"
    with_listener = serving(
        closed_world.clients["dual-stack"], [("tcp", "10.1.46.2", 6881), ("tcp", "2001:db8:1:46::2", 6881)]
    )
    try:
        attempts = [("tcp", "10.1.46.2", 6881), ("tcp", "2001:db8:1:46::2", 6881)]
        assert closed_world.internet.tries(*attempts) == ["silent", "silent"]
        closed_world.router.run("nft", "flush", "ruleset")
        assert closed_world.internet.tries(*attempts) == ["answered", "answered"]
    finally:
        with_listener.kill()
        with_listener.communicate()


def test_an_address_that_no_school_has_is_refused_on_an_interface_of_clients(world: World) -> None:
    world.router.load(rules(interfaces=["four", "six", "dual"]))
    dual = world.clients["dual-stack"]
    dual.address("uplink", "10.77.0.2/24", "2001:db8:77::2/64")
    world.router.address("dual", "10.77.0.1/24", "2001:db8:77::1/64")
    dual.run("ip", "route", "add", f"{SITE[4]}/32", "via", "10.77.0.1", "src", "10.77.0.2")
    dual.run("ip", "-6", "route", "add", f"{SITE[6]}/128", "via", "2001:db8:77::1", "src", "2001:db8:77::2")
    try:
        everywhere = [("tcp", SITE[version], 443) for version in (4, 6)]
        assert dual.tries(*everywhere) == ["refused", "refused"]
        world.router.load(rules())  # known by their addresses alone: this is what the remark on stderr is about
        assert dual.tries(*everywhere) == ["answered", "answered"]
    finally:
        for command in (
            ("ip", "route", "del", f"{SITE[4]}/32"),
            ("ip", "-6", "route", "del", f"{SITE[6]}/128"),
        ):
            dual.run(*command)


def test_where_no_school_has_an_ipv6_network_nobody_gets_out_by_it(world: World) -> None:
    of_ipv4 = border(schools={"lincoln": ["10.1.46.0/24"]})
    world.router.load(render(of_ipv4))
    assert any("IPv6" in note for note in of_ipv4.notes())
    found = attempts(world, "dual-stack", REFUSED)
    assert {name: outcome for name, outcome in found.items() if outcome != "refused"} == {}


def test_the_filter_and_the_resolver_get_out_for_everybody(world: World) -> None:
    """Also where they stand inside a client network."""
    school = {"lincoln": ["10.1.0.0/16", "10.9.0.0/24", "2001:db8:1::/48", "2001:db8:9::/64"]}
    world.router.load(render(border(schools=school)))
    bound = """
import socket, sys
sock = socket.create_connection((sys.argv[2], int(sys.argv[3])), 6, (sys.argv[1], 0))
sock.sendall(b"x")
print(sock.recv(5))
"""
    for source, port, code in (
        (FILTER[4], "443", 0),
        (FILTER[6], "443", 0),
        (RESOLVER[4], "53", 0),
        (RESOLVER[4], "443", 1),
    ):
        to = SITE[6] if ":" in source else SITE[4]
        assert world.district.call(sys.executable, "-c", bound, source, to, port).returncode == code, (source, port)
