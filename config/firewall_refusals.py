"""What no settings file may do to the network around the filter (invariant 3), as pure functions.

An exemption is traffic that nobody filters, so it is narrow in place, port and time: the usual ports of the ways round
a filter (evasion_ports.py) are never exempt by themselves, and what was approved once ends by itself.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING

from config import refusals
from config.evasion_ports import NEVER_EXEMPT
from config.fields import socket_address
from config.problems import shown
from config.refusals import Network, Refusal, inside, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from ipaddress import IPv4Address, IPv6Address

    from config.firewall_settings import Exemption, Firewall

#: Widest destination of an exemption, in bits of prefix: conferencing vendors publish a /14 and a /38 at the widest.
WIDEST_V4 = 14
WIDEST_V6 = 32
#: Most addresses of all exemptions together, so that many networks are no catch-all either: a /12, and a /25 of IPv6.
ADDRESSES_CAP = 2**20
ADDRESSES_CAP_V6 = 2**103
NETWORKS_CAP = 128
#: Longest time between approvals, in days: a school year and the weeks in which it is approved again.
DAYS_CAP = 400

# Where no vendor is: this network, loopback, link-local, multicast, reserved; and IPv4 in the clothes of IPv6 (mapped,
# 6to4, Teredo), which would be a catch-all in few digits.
_NOWHERE_V4 = ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
_NOWHERE_V6 = ("::/96", "::ffff:0:0/96", "2001::/32", "2002::/16", "fe80::/10", "fec0::/10", "ff00::/8")
_NOWHERE = tuple(map(ip_network, (*_NOWHERE_V4, *_NOWHERE_V6)))
_TRANSLATED = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48")))  # RFC 6052, 8215: the last 32 bits are IPv4
_TRANSLATED_LEAST = 96 + WIDEST_V4

#: Media (RTP) take any of thousands of UDP ports from here on, so their ranges may hold a VPN's or a peer's number; the
#: destinations are what keeps those narrow.
MEDIA_FROM = 16_384
MEDIA_LEAST = 1000
_RANGE = re.compile(r"([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?")


def port_range(text: str) -> tuple[int, int]:
    """Give the first and the last port of "8801-8810" or "3478". Raises ValueError."""
    found = _RANGE.fullmatch(text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 0 < first <= last < 65_536:
        raise ValueError(f'{shown(text)}: write a port or a range, such as 3478 or "8801-8810"')
    return first, last


def ports(ranges: Sequence[str], protocol: str) -> Iterator[Refusal]:
    """Ports that no exemption may have."""
    if not ranges:
        yield Refusal((), "is empty; name the ports")
    for number, text in enumerate(ranges):
        first, last = port_range(text)
        if protocol == "udp" and first >= MEDIA_FROM and last - first + 1 >= MEDIA_LEAST:
            continue
        held = next((each for each in NEVER_EXEMPT if first <= each[1] and each[0] <= last), None)
        if held is not None:
            yield Refusal((number,), f"{text} holds port {max(first, held[0])} ({held[2]})")


def destinations(networks: Sequence[Network]) -> Iterator[Refusal]:
    """Destinations that are nobody's in particular."""
    if not networks:
        yield Refusal((), "is empty; name the networks")
    if len(networks) > NETWORKS_CAP:
        yield Refusal((), f"holds more than {NETWORKS_CAP} networks")
    for number, network in enumerate(networks[:NETWORKS_CAP]):
        if why := _destination(network):
            yield Refusal((number,), why)
    if why := _in_all(networks):
        yield Refusal((), why)


def together(exemptions: Sequence[Exemption]) -> Iterator[Refusal]:
    """Many exemptions that are the catch-all which one may not be."""
    if why := _in_all([network for each in exemptions for network in each.destinations]):
        yield Refusal((), why)


def _in_all(networks: Iterable[Network]) -> str | None:
    wide = {4: 0, 6: 0}
    for network in merged(networks):
        translated = any(inside(network, each) for each in _TRANSLATED)
        wide[4 if translated else network.version] += network.num_addresses
    if wide[4] > ADDRESSES_CAP or wide[6] > ADDRESSES_CAP_V6:
        return "is wider than a /12 in all (IPv6: a /25); name the networks that are needed"
    return None


def _destination(network: Network) -> str | None:
    widest = WIDEST_V4 if network.version == 4 else WIDEST_V6
    if network.prefixlen < widest:
        return f"{network} is wider than /{widest}; name the networks that are needed"
    if any(_overlap(network, nowhere) for nowhere in _NOWHERE):
        return f"{network} holds addresses at which no vendor is"
    if any(_overlap(network, translated) for translated in _TRANSLATED) and network.prefixlen < _TRANSLATED_LEAST:
        return f"{network} stands for all of IPv4; write /{_TRANSLATED_LEAST} or narrower"
    return None


def until(day: date, since: date) -> str | None:
    """Why an exemption may not end on this day."""
    if day < since:
        return f"{day} lies before since"
    if (day - since).days > DAYS_CAP:
        return f"{day} is more than {DAYS_CAP} days after since; approve it again later"
    return None


def machines(addresses: Iterable[tuple[IPv4Address | IPv6Address, int]]) -> Iterator[Refusal]:
    """Addresses that are no machine that clients could reach."""
    for number, (ip, port) in enumerate(addresses):
        why = refusals.approved_address(ip, port)
        if why or ip.is_loopback:
            yield Refusal((number,), why or f"{ip} is reached from its own machine alone")


def names(given: Sequence[str]) -> Iterator[Refusal]:
    """Names that stand twice: rules and messages could not tell which is meant."""
    for number, name in enumerate(given):
        if name in given[:number]:
            yield Refusal((number, "name"), f"{name} stands there twice")


def firewall(settings: Firewall, schools: Mapping[str, tuple[Network, ...]]) -> Iterator[Refusal]:
    """Clients of an exemption that are in no school."""
    networks = [network for each in schools.values() for network in each]
    for number, exemption in enumerate(settings.exemptions):
        for place, network in enumerate(exemption.clients):
            if not any(inside(network, school) for school in networks):
                yield Refusal(("exemptions", number, "clients", place), f"{network} is in no network of schools")


def again(settings: Firewall) -> Iterator[Refusal]:
    """Every refusal of the items by themselves, for settings that are finished."""
    for number, exemption in enumerate(settings.exemptions):
        at = ("exemptions", number)
        yield from (
            Refusal((*at, "ports", *each.at), each.message) for each in ports(exemption.ports, exemption.protocol)
        )
        found = destinations(exemption.destinations)
        yield from (Refusal((*at, "destinations", *each.at), each.message) for each in found)
        yield from _ends(at, exemption)
    wide = together(settings.exemptions)
    yield from (Refusal(("exemptions", *each.at), each.message) for each in wide)
    twice = names([exemption.name for exemption in settings.exemptions])
    yield from (Refusal(("exemptions", *each.at), each.message) for each in twice)
    for key, sockets in (
        ("proxies", map(socket_address, settings.proxies)),
        ("resolvers", ((ip, 53) for ip in settings.resolvers)),
    ):
        yield from (Refusal((key, *each.at), each.message) for each in machines(sockets))
    for number, opened in enumerate(settings.inside):
        if why := refusals.private_network(opened.network):
            yield Refusal(("inside", number), why)


def _ends(at: tuple[str | int, ...], exemption: Exemption) -> Iterator[Refusal]:
    if why := until(exemption.until, exemption.since):
        yield Refusal((*at, "until"), why)


def _overlap(one: Network, other: Network) -> bool:
    return inside(one, other) or inside(other, one)
