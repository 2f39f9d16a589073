"""Settings -> what the router's rules are made of: who is governed, what they reach, and what is exempt until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from config.fields import socket_address
from config.firewall_refusals import port_range
from config.refusals import Network, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from config.firewall_settings import Exemption
    from config.proxy_settings import Proxy
    from config.settings import Settings

type Address = IPv4Address | IPv6Address


class NothingToPrint(Exception):
    """The settings lack what the rules are about: made of them, they would do nothing. The message is one line."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Redirect:
    """Whose web connections a router on the filter's machine redirects to the filter, and where to."""

    networks: tuple[Network, ...]
    listen: tuple[tuple[Address, int], ...]


@dataclass(frozen=True, slots=True)
class Exempt:
    """One exemption, with the moment at which it ends."""

    name: str
    owner: str
    reason: str
    since: date
    until: date
    ends: int  # Unix time, seconds: the first that is behind the last day
    clients: tuple[Network, ...]  # empty: all that are governed
    destinations: tuple[Network, ...]
    protocol: str
    ports: tuple[tuple[int, int], ...]  # first and last, ascending, apart from each other


@dataclass(frozen=True, slots=True)
class Border:
    """What the rules are made of; everything in a fixed order."""

    interfaces: tuple[str, ...]
    clients: tuple[Network, ...]
    proxies: tuple[tuple[Address, int], ...]
    resolvers: tuple[Address, ...]
    inside: tuple[Network, ...]
    exempt: tuple[Exempt, ...]
    expired: tuple[Exempt, ...]
    redirect: Redirect | None = None

    def notes(self) -> Iterator[str]:
        """What somebody who loads the rules should know, a line each."""
        for each in self.expired:
            yield f"firewall.exemptions.{each.name}: ended on {each.until}, so the rules leave it out ({each.owner})"
        if not self.interfaces:
            yield "firewall.interfaces: none, so clients are known by the networks of schools alone; name them"
            for version in self.unknown_versions:
                yield f"schools: no IPv{version} network, so the rules refuse IPv{version} to everybody; name them"
        if not self.proxies:
            yield (
                "firewall.proxies: none, and proxy.listen names no address of a network, so clients reach a filter on "
                "the router itself alone; name the filter's address and port"
            )
        if not self.resolvers:
            yield "firewall.resolvers: none, so clients reach a resolver on the router itself alone; name yours"

    @property
    def unknown_versions(self) -> tuple[int, ...]:
        """IP versions in which no client network is known by its address: nobody may use them to get past."""
        return tuple(version for version in (4, 6) if not of_version(self.clients, version))


def border_of(settings: Settings, now: datetime) -> Border:
    """Read the settings for the router. Raises NothingToPrint."""
    firewall = settings.firewall
    clients = [network for networks in settings.schools.values() for network in networks]
    if not clients and not firewall.interfaces:
        raise NothingToPrint("schools: names no network and firewall.interfaces none, so rules would govern nobody")
    zone = ZoneInfo(settings.district.timezone)
    exempt = sorted((_exempt(each, zone) for each in firewall.exemptions), key=lambda each: each.name)
    return Border(
        interfaces=tuple(sorted(set(firewall.interfaces))),
        clients=merged(clients),
        proxies=_proxies(settings.proxy, firewall.proxies),
        resolvers=tuple(sorted(set(firewall.resolvers), key=_place)),
        inside=merged(opened.network for opened in firewall.inside),
        exempt=tuple(each for each in exempt if each.ends > now.timestamp()),
        expired=tuple(each for each in exempt if each.ends <= now.timestamp()),
    )


def redirect_of(settings: Settings) -> Redirect:
    """Read what is redirected. Raises NothingToPrint."""
    transparent = settings.proxy.transparent
    given = sorted(map(socket_address, transparent.listen), key=lambda socket: (*_place(socket[0]), socket[1]))
    listen = tuple((ip, port) for ip, port in given if port and not ip.is_loopback)
    networks = merged(each.network for each in transparent.networks)
    for version in (4, 6):
        if of_version(networks, version) and not any(ip.version == version for ip, _ in listen):
            why = f"no IPv{version} address with a port that devices reach (Linux routes nothing to loopback); name one"
            raise NothingToPrint(f"proxy.transparent.listen: {why}")
    if not networks:
        raise NothingToPrint("proxy.transparent: names no network, so nothing would be redirected")
    return Redirect(networks, listen)


def of_version[T: (Network, Address)](each: Iterable[T], version: int) -> tuple[T, ...]:
    """Those of one IP version."""
    return tuple(one for one in each if one.version == version)


def joined(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same ports in ascending ranges that neither overlap nor touch."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)


def _exempt(exemption: Exemption, zone: ZoneInfo) -> Exempt:
    ends = datetime.combine(exemption.until + timedelta(days=1), time(), zone)
    return Exempt(
        name=exemption.name,
        owner=exemption.owner,
        reason=exemption.reason,
        since=exemption.since,
        until=exemption.until,
        ends=int(ends.timestamp()),
        clients=merged(exemption.clients),
        destinations=merged(exemption.destinations),
        protocol=exemption.protocol,
        ports=joined(map(port_range, exemption.ports)),
    )


def _proxies(proxy: Proxy, named: tuple[str, ...]) -> tuple[tuple[Address, int], ...]:
    """Where clients reach the filter: what is named, else the listeners with an address that others can reach."""
    listening = ((each.ip, each.port) for each in proxy.listen)
    reached = ((ip, port) for ip, port in listening if port and not ip.is_loopback and not ip.is_unspecified)
    sockets = set(map(socket_address, named)) if named else set(reached)
    return tuple(sorted(sockets, key=lambda socket: (*_place(socket[0]), socket[1])))


def _place(address: Address) -> tuple[int, int]:
    return address.version, int(address)
