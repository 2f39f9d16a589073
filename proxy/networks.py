"""Sets of addresses that are asked on every request: sorted whole numbers, so a question costs one bisection."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, collapse_addresses, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from ipaddress import IPv4Network

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class AddressRanges:
    """A set of networks of one or both versions."""

    starts: Mapping[int, tuple[int, ...]]  # by version
    ends: Mapping[int, tuple[int, ...]]

    def __contains__(self, ip: Address) -> bool:
        number = int(ip)
        at = bisect_right(self.starts[ip.version], number) - 1
        return at >= 0 and number <= self.ends[ip.version][at]


def address_ranges(networks: Iterable[Network]) -> AddressRanges:
    """Merge networks into one set."""
    given = tuple(networks)
    merged: dict[int, tuple[Network, ...]] = {
        4: tuple(collapse_addresses(n for n in given if n.version == 4)),
        6: tuple(collapse_addresses(n for n in given if n.version == 6)),
    }
    return AddressRanges(
        {version: tuple(int(n.network_address) for n in nets) for version, nets in merged.items()},
        {version: tuple(int(n.broadcast_address) for n in nets) for version, nets in merged.items()},
    )


@dataclass(frozen=True, slots=True)
class SchoolNetworks:
    """Which school a client's address belongs to: the longest prefix wins."""

    #: (version, host bits, network number -> school), longest prefix first
    by_prefix: tuple[tuple[int, int, Mapping[int, str]], ...]

    def school_of(self, ip: Address) -> str | None:
        """The school whose network holds this address."""
        number = int(ip)
        for version, bits, schools in self.by_prefix:
            if version == ip.version and (school := schools.get(number >> bits)) is not None:
                return school
        return None


def school_networks(networks: Iterable[tuple[Network, str]]) -> SchoolNetworks:
    """Arrange (network, school) pairs for look-up."""
    tables: dict[tuple[int, int], dict[int, str]] = {}
    for network, school in networks:
        bits = network.max_prefixlen - network.prefixlen
        tables.setdefault((network.version, bits), {})[int(network.network_address) >> bits] = school
    return SchoolNetworks(tuple((version, bits, tables[version, bits]) for version, bits in sorted(tables)))


#: Not reachable on the public Internet: IANA special-purpose registries (RFC 6890). The documentation networks
#: (192.0.2.0/24, 2001:db8::/32 …) are left out: nothing lives there, and nobody can be reached through them.
PRIVATE = address_ranges(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network; Linux connects 0.0.0.0 to loopback
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, RFC 6598
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the metadata service of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks, RFC 2544
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "::/96",  # unspecified, loopback, and the old IPv4-compatible form
        "64:ff9b:1::/48",  # NAT64 of a local network, RFC 8215: what it embeds is the operator's choice
        "100::/64",  # discard, RFC 6666
        "2001:10::/28",  # ORCHID
        "2001:20::/28",
        "5f00::/16",  # segment routing, RFC 9602
        "fc00::/7",  # unique local, RFC 4193
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local, RFC 3879
        "ff00::/8",  # multicast
    )
)

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")


def forms(ip: Address) -> tuple[Address, ...]:
    """The address, and the IPv4 addresses that a translator or tunnel would make of it."""
    if isinstance(ip, IPv4Address):
        return (ip,)
    if ip.ipv4_mapped is not None:
        return (ip.ipv4_mapped,)
    if ip.teredo is not None:  # RFC 4380: server, client
        return (ip, *ip.teredo)
    if ip.sixtofour is not None:  # RFC 3056
        return (ip, ip.sixtofour)
    if ip in _NAT64 or ip in _LOCAL_NAT64:
        return (ip, IPv4Address(int(ip) & 0xFFFFFFFF))
    return (ip,)


def plain(ip: Address) -> Address:
    """An IPv4 address written as IPv6 (`::ffff:a.b.c.d`), as IPv4."""
    return forms(ip)[0]
