"""What a request says to a site in the place of what a client asked for: safe search, restricted mode, tenants.

The record keeps what the client asked. A host that is passed through is not rewritten, so settings that would need both
are refused (config/rewriting_refusals.py).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from proxy.rewriting import safe_search, tenants, youtube
from proxy.rewriting.forced import forced_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from config.rewritten_hosts import RewrittenHosts
    from config.settings import Settings
    from proxy.rewriting.forced import Fields, Forced

#: Fields that are the district's to send. A client's own are never sent on, to no host: a wider one would let it in.
CLAIMED = tenants.FIELDS | {youtube.FIELD}


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What is forced, by canonical host; `domains` count for sub-domains as well."""

    hosts: Mapping[str, tuple[Forced, ...]]
    domains: Mapping[str, tuple[Forced, ...]]


def compiled(settings: Settings) -> Rewriting:
    """The settings in the form in which they are asked on every request."""
    hosts, domains = defaultdict(list), defaultdict(list)
    for places, forced in _rules(settings):
        for host in places.hosts:
            hosts[host].append(forced)
        for domain in places.domains:
            domains[domain].append(forced)
    return Rewriting(*(MappingProxyType({name: tuple(all_) for name, all_ in by.items()}) for by in (hosts, domains)))


def _rules(settings: Settings) -> Iterator[tuple[RewrittenHosts, Forced]]:
    """Every kind of rewriting. A new one is a line here."""
    yield from safe_search.rules(settings.safe_search)
    yield from youtube.rules(settings.safe_search)
    yield from tenants.rules(settings.tenants)


def rewritten(host: str, target: bytes, fields: Fields, rewriting: Rewriting) -> tuple[bytes, Fields]:
    """Give the path and query, and the fields, that go to a canonical host; the same objects where nothing changes."""
    if not CLAIMED.isdisjoint([name.lower() for name, _ in fields]):  # a list: half the time of any(…)
        fields = tuple(field for field in fields if field[0].lower() not in CLAIMED)
    for forced in _forced_for(host, rewriting):
        target, fields = forced_on(target, fields, forced)
    return target, fields


def _forced_for(host: str, rewriting: Rewriting) -> Iterator[Forced]:
    yield from rewriting.hosts.get(host, ())
    while host:
        yield from rewriting.domains.get(host, ())
        host = host.partition(".")[2]
