"""What no settings file may do: invariants 1, 3 and 6 of DESIGN.md as pure functions.

The models call them while a file is read; whoever builds a policy snapshot calls `of(settings, today)` again, because
a value can be made without its validators. A function that answers `str | None` says why not, or None.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_network
from typing import TYPE_CHECKING

from categories.address import is_public_suffix, literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

type Network = IPv4Network | IPv6Network

#: Widest destination in private space that one approval may open, in bits of prefix: one campus, not the district.
WIDEST_V4 = 16
WIDEST_V6 = 48
#: Most ports that may be opened: beyond this a list of ports is no list.
PORTS_CAP = 32

# RFC 1918, 6598 (shared space), 4193 (unique local), and loopback. Link-local is left out: it holds cloud machines'
# metadata services (169.254.169.254), which hand out credentials.
_PRIVATE = tuple(
    map(
        ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "fc00::/7", "::1/128"),
    )
)
_PORTS_NEVER = {
    22: "SSH",
    23: "Telnet",
    25: "mail",
    53: "DNS",
    465: "mail",
    587: "mail",
    853: "encrypted DNS",
    1080: "SOCKS",
    1194: "OpenVPN",
    1723: "PPTP",
    **dict.fromkeys(range(6881, 6890), "BitTorrent"),
    **dict.fromkeys((9001, 9030, 9050, 9051, 9150), "Tor"),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that is not allowed: where (keys and indexes from the value that was checked), and why."""

    at: tuple[str | int, ...]
    message: str


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """'; did you mean "x"?' or nothing. A very long word is not compared: that would take quadratic time."""
    close = get_close_matches(word, list(known), n=1) if len(word) <= 64 else []
    return f'; did you mean "{close[0]}"?' if close else ""


def host(name: str) -> str | None:
    """Why this canonical host may not be passed through: it would cover strangers, or it is no name."""
    if literal(name) is not None:
        return f"{name} is an address; approved_addresses is the place for it"
    if is_public_suffix(name):
        return f"{name} is a public suffix: anybody can have a host below it; name the host"
    return None


def private_network(network: Network) -> str | None:
    """Why this network may not be opened as a destination."""
    widest = WIDEST_V4 if isinstance(network, IPv4Network) else WIDEST_V6
    if not any(inside(network, private) for private in _PRIVATE):
        return f"{network} is not inside a private range; only private destinations are opened here"
    if network.prefixlen < min(widest, network.max_prefixlen):
        return f"{network} is wider than /{widest}; name the networks that are needed"
    return None


def inside(network: Network, other: Network) -> bool:
    """True when all addresses of `network` are addresses of `other`."""
    if isinstance(network, IPv4Network) and isinstance(other, IPv4Network):
        return network.subnet_of(other)
    if isinstance(network, IPv6Network) and isinstance(other, IPv6Network):
        return network.subnet_of(other)
    return False


def merged(networks: Iterable[Network]) -> tuple[Network, ...]:
    """The same addresses in as few networks as possible, IPv4 first."""
    given = tuple(networks)
    v4 = collapse_addresses(network for network in given if isinstance(network, IPv4Network))
    v6 = collapse_addresses(network for network in given if isinstance(network, IPv6Network))
    return (*v4, *v6)


def approved_address(ip: IPv4Address | IPv6Address, port: int) -> str | None:
    """Why this address may not be approved as a destination."""
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        return f"{ip} is an IPv4 address in disguise; write {ip.ipv4_mapped}"
    if ip.is_unspecified or ip.is_multicast or ip.is_link_local or ip == IPv4Address("255.255.255.255"):
        return f"{ip} is no single machine's address"
    return "port 0 is no destination" if port == 0 else None


def since(day: date, today: date) -> str | None:
    """Why this is not the date of an approval. One day of grace: the clock here is UTC."""
    return f"{day} lies in the future; write the day of the approval" if (day - today).days > 1 else None


def ports(allowed: Iterable[int]) -> list[Refusal]:
    """Ports that may not be opened to all destinations."""
    found: list[Refusal] = []
    seen: set[int] = set()
    for number, port in enumerate(allowed):
        why = _port(port, seen)
        seen.add(port)
        if why:
            found.append(Refusal((number,), why))
    if not seen:
        found.append(Refusal((), "is empty; without a port nothing can be reached"))
    if len(seen) > PORTS_CAP:
        found.append(Refusal((), f"opens more than {PORTS_CAP} ports"))
    return found


def tunnels(places: Iterable[tuple[str, int]]) -> list[Refusal]:
    """Places that are approved twice: nobody could say which protocol counts."""
    listed = list(places)
    return [
        Refusal((number,), f"{host}:{port} stands above already; one protocol may be spoken there")
        for number, (host, port) in enumerate(listed)
        if (host, port) in listed[:number]
    ]


def _port(port: int, seen: set[int]) -> str | None:
    if not 0 < port < 65_536:
        return f"{port} is not between 1 and 65535"
    if port in _PORTS_NEVER:
        return f"{port} ({_PORTS_NEVER[port]}) is not a port of web sites"
    return f"{port} stands there twice" if port in seen else None
