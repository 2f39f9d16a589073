"""The policy in force: lists, applied settings and what ITS decided, in forms that answer fast and never change.

Built whole, off the event loop, and swapped in one assignment. Building checks invariants 1, 3 and 6 again: settings
can be made without their validators, and a signed feed can be signed and still be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from ipaddress import ip_address
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypedDict
from zoneinfo import ZoneInfo

from categories.starter import STARTER, starter_passthrough, starter_updates
from categories.taxonomy import FLOOR
from config.fields import socket_address
from config.hours import parse_hours
from config.recheck import recheck
from proxy.category_rules import CategoryRule
from proxy.networks import address_ranges, plain, school_networks
from proxy.reasons import DEFAULT
from proxy.rewriting import Rewriting, compiled
from proxy.unblock import Scope, Unblock, UnblockRefused, admit
from proxy.verdict import Action, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from categories.entries import ListEntry
    from categories.taxonomy import Category
    from config.settings import Settings
    from proxy.networks import Address, AddressRanges, SchoolNetworks


class Index(Protocol):
    """What the policy asks of the compiled lists (categories.index.CategoryIndex)."""

    @property
    def generation(self) -> str:
        """The id of the compiled lists."""

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Entries that block: category -> list -> how many."""

    def lookup(self, host: str, path: str, query: str) -> tuple[ListEntry, ...]:
        """Every entry that covers this canonical address, in no particular order; with no path, whatever it is."""


class SnapshotRefused(ValueError):
    """The policy may not come into force; what is in force stays. One line."""


@dataclass(frozen=True, slots=True)
class Passthrough:
    """Who wanted a host left undecrypted, and why."""

    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class DownloadRule:
    """Who may fetch programs, and where from."""

    blocks: bool
    except_groups: frozenset[str]
    allow_from: frozenset[str]  # hosts, with their sub-domains
    blocks_encrypted_archives: bool


@dataclass(frozen=True, slots=True)
class PolicySnapshot:
    """All rules in force. Hosts are canonical, addresses plain (never `::ffff:a.b.c.d`)."""

    revision: int
    index: Index
    taxonomy: Mapping[str, Category]
    rules: Mapping[str, CategoryRule]  # what the district set; proxy/category_rules.py has the rest
    groups: Mapping[str, frozenset[str]]  # user -> groups
    schools: SchoolNetworks
    transparent: SchoolNetworks  # client networks that are served without users, with their names
    timezone: ZoneInfo
    public_name: str
    identity_required: bool
    allow_ports: frozenset[int]
    private_allow: AddressRanges
    approved_addresses: frozenset[tuple[Address, int]]
    approved_tunnels: Mapping[tuple[str, int], str]  # (host, port) -> protocol
    passthrough: Mapping[str, Passthrough]  # host, with its sub-domains
    passthrough_categories: frozenset[str]
    own_ports: frozenset[int]
    own_addresses: frozenset[Address]
    unblocks: Mapping[str, tuple[Unblock, ...]]  # by host
    its_blocks: frozenset[str]  # hosts, with their sub-domains
    clauses: Mapping[str, str]
    rewriting: Rewriting
    record_search_terms: bool
    downloads: DownloadRule
    allowed: Verdict  # the answer where nothing matches


def groups_of(user: str | None, snapshot: PolicySnapshot) -> frozenset[str]:
    """The groups that the settings put a user in."""
    return snapshot.groups.get(user, _NO_GROUPS) if user else _NO_GROUPS


_NO_GROUPS: frozenset[str] = frozenset()


def school_of(client: str, snapshot: PolicySnapshot) -> str | None:
    """The school whose networks hold a client's address. Raises ValueError for what is no address."""
    return snapshot.schools.school_of(_client_address(client))


def transparent_network_of(client: str, snapshot: PolicySnapshot) -> str | None:
    """The name of the network in which a client is served without a user. Raises ValueError for what is no address."""
    return snapshot.transparent.school_of(_client_address(client))


@lru_cache(maxsize=16_384)
def _client_address(text: str) -> Address:
    return plain(ip_address(text.partition("%")[0]))


def covering_name(host: str, names: Collection[str]) -> str | None:
    """The name among `names` that is the host or one it is below, on label boundaries."""
    while host:
        if host in names:
            return host
        host = host.partition(".")[2]
    return None


def unblocks_for(host: str, path: str | None, snapshot: PolicySnapshot) -> tuple[Unblock, ...]:
    """Unblocks in force here, the narrowest host first. `path` None: not known yet, so those for paths count too."""
    found: list[Unblock] = []
    name = host
    while name and snapshot.unblocks:
        found += snapshot.unblocks.get(name, ())
        name = name.partition(".")[2]
    return tuple(
        unblock for unblock in found if unblock.covers_host(host) and (path is None or unblock.covers_path(path))
    )


def build(
    settings: Settings,
    index: Index,
    *,
    revision: int,
    unblocks: Iterable[Unblock] = (),
    its_blocks: Iterable[str] = (),
    today: date | None = None,
) -> PolicySnapshot:
    """Compile a revision of the settings, a generation of the lists and what ITS decided into one policy.

    `today` (UTC) is what dates in the settings are judged by; never earlier than the day they were applied.

    Raises:
        SnapshotRefused: an invariant forbids it.
    """
    given = tuple(unblocks)
    passthrough = _passthrough(settings)
    _recheck(settings, revision, today or datetime.now(UTC).date())
    for problem in _problems(settings, index, given, passthrough):
        raise SnapshotRefused(f"revision {revision}: {problem}")
    return PolicySnapshot(
        revision=revision,
        index=index,
        taxonomy=MappingProxyType(dict(settings.taxonomy)),
        rules=MappingProxyType(dict(_rules(settings))),
        groups=MappingProxyType(_groups(settings)),
        schools=school_networks((net, school) for school, nets in settings.schools.items() for net in nets),
        transparent=school_networks((each.network, each.name) for each in settings.proxy.transparent.networks),
        timezone=ZoneInfo(settings.district.timezone),
        identity_required=settings.identity.required,
        passthrough=passthrough,
        unblocks=MappingProxyType(_by_host(given)),
        its_blocks=frozenset(its_blocks),
        clauses=MappingProxyType(settings.district.clauses.model_dump(exclude_none=True)),
        rewriting=compiled(settings),
        record_search_terms=settings.record_search_terms,
        allowed=Verdict(Action.ALLOW, DEFAULT, revision),
        **_reach(settings),
    )


def _recheck(settings: Settings, revision: int, today: date) -> None:
    for refusal in recheck(settings, today):
        raise SnapshotRefused(f"revision {revision}: {'.'.join(map(str, refusal.at))}: {refusal.message}")


class _Reach(TypedDict):
    public_name: str
    allow_ports: frozenset[int]
    private_allow: AddressRanges
    approved_addresses: frozenset[tuple[Address, int]]
    approved_tunnels: Mapping[tuple[str, int], str]
    passthrough_categories: frozenset[str]
    own_ports: frozenset[int]
    own_addresses: frozenset[Address]
    downloads: DownloadRule


def _reach(settings: Settings) -> _Reach:
    """What may be reached, and what the proxy itself is reached by."""
    proxy = settings.proxy
    texts = (*(one.address for one in proxy.listen), *proxy.transparent.listen, settings.metrics.listen)
    listeners = [socket_address(text) for text in texts]
    return _Reach(
        public_name=proxy.public_name,
        allow_ports=frozenset(proxy.allow_ports),
        private_allow=address_ranges(listed.network for listed in proxy.private_networks.allow),
        approved_addresses=frozenset(socket_address(listed.address) for listed in proxy.approved_addresses),
        approved_tunnels=MappingProxyType({(one.host, one.port): one.protocol for one in proxy.approved_tunnels}),
        passthrough_categories=frozenset(proxy.passthrough_categories),
        own_ports=frozenset(port for _, port in listeners if port),
        own_addresses=frozenset(plain(ip) for ip, _ in listeners),
        downloads=_downloads(settings),
    )


def _downloads(settings: Settings) -> DownloadRule:
    rule = settings.downloads
    updates = starter_updates() if rule.allow_updates else frozenset()
    return DownloadRule(
        rule.action == "block",
        frozenset(rule.except_groups),
        updates.union(rule.allow_from),
        rule.encrypted_archives == "block",
    )


def _passthrough(settings: Settings) -> Mapping[str, Passthrough]:
    starter = starter_passthrough() if settings.proxy.passthrough_starter else ()
    hosts = {listed.host: Passthrough(listed.owner, listed.reason) for listed in starter}
    hosts |= {listed.host: Passthrough(listed.owner, listed.reason) for listed in settings.proxy.passthrough}
    return MappingProxyType(hosts)


def _rules(settings: Settings) -> Iterator[tuple[str, CategoryRule]]:
    for category, rule in settings.categories.items():
        hours = parse_hours(settings.hours[rule.hours]) if rule.hours else None
        yield category, CategoryRule(Action(rule.action), frozenset(rule.except_groups), hours, rule.until)


def _groups(settings: Settings) -> dict[str, frozenset[str]]:
    users = {user for group in settings.groups.values() for user in group.users}
    return {user: frozenset(n for n, group in settings.groups.items() if user in group.users) for user in users}


def _by_host(unblocks: tuple[Unblock, ...]) -> dict[str, tuple[Unblock, ...]]:
    hosts: dict[str, tuple[Unblock, ...]] = {}
    for unblock in sorted(unblocks, key=lambda one: one.id):
        hosts[unblock.host] = (*hosts.get(unblock.host, ()), unblock)
    return hosts


def _problems(
    settings: Settings, index: Index, unblocks: tuple[Unblock, ...], passthrough: Mapping[str, Passthrough]
) -> Iterator[str]:
    """What invariants 1, 3 and 6 forbid.

    A passed-through host that is on a floor list is no problem: a block of its name comes first (proxy/evaluate.py),
    and refusing the policy would let the author of a list stop all updates by naming it.
    """
    yield from _empty_floor(index, settings.starter_only)
    for unblock in unblocks:
        try:
            admit(unblock)
        except UnblockRefused as refused:
            yield str(refused)
        if unblock.scope is Scope.PATH and covering_name(unblock.host, passthrough):
            yield f"unblock {unblock.id!a}: {unblock.host} is passed through: paths are not seen; choose scope host"


def _empty_floor(index: Index, starter_only: bool) -> Iterator[str]:
    for category in sorted(FLOOR):
        filled = {name for name, count in index.counts.get(category, {}).items() if count > 0}
        if not filled:
            yield f"no list has an entry for {category}, which is always on; run `lists update`"
        elif category == "pornography" and filled == {STARTER} and not starter_only:
            yield f"only our starter list has entries for {category}; run `lists update`, or set starter_only: true"
