"""Addresses inside addresses: a blocked site that another one is asked to fetch (docs/decisions/0018).

A known relay (nested_relays.py) shows what its address names, so that is judged in full, as if this user had asked for
it now. Anywhere else an address that is carried counts only where it is on the floor or listed as a web proxy: most are
links, referrers and return addresses. Pages that are known to carry only (nested_carriers.py) are not looked into.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from categories.address import Address, MalformedAddress, parse
from categories.taxonomy import CHILD_ABUSE, FLOOR
from proxy import reasons
from proxy.detectors.nested_carriers import only_carries
from proxy.detectors.nested_relays import relay_of
from proxy.detectors.unwrapping import Budget, TooMuch, addresses_in, suspects, unquoted
from proxy.detectors.whole_target import whole_target
from proxy.facts import HOST_STAGES
from proxy.listed import circumstances, listed
from proxy.networks import plain
from proxy.precedence import Effect, settle
from proxy.verdict import Match

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.facts import RequestFacts
    from proxy.precedence import Settlement
    from proxy.snapshot import PolicySnapshot

#: Addresses one inside another that are looked at. A relay that names more of them is refused.
DEPTH = 4

#: What an address that is only carried must be listed as, to count.
_COUNTED = FLOOR | {"web-proxy"}

#: For what no list says: an address without a name, one that cannot be read, or more of them than are looked at.
_NESTED = Match(reasons.NESTED, reasons.title_of(reasons.NESTED))

_BLOCKED, _MONITORED = 2, 3

_BEFORE = re.compile(r"(?:(?:url|ssl|site|cache|view-source):)*[/\\]*", re.IGNORECASE)
_UP_TO_HOST = re.compile(r"https?:[/\\]*[^/\\?#]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Inner:
    """An address that another one holds. `shown`: every one on the way to it is a relay, so its content comes here."""

    address: Address | None  # None: it cannot be read
    shown: bool


def nested(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a blocked address inside the one that is asked for; of several, what weighs most."""
    path, query = whole_target(facts)
    if relay_of(facts.target_host) is None and not suspects(path, query):
        return None
    worst: tuple[int, Match] | None = None
    try:
        for inner in addresses_inside(facts):
            judged = _judged(inner, facts, snapshot)
            if judged is not None and (worst is None or judged[0] < worst[0]):
                worst = judged
    except TooMuch:
        worst = worst if worst is not None and worst[0] < _BLOCKED else (_BLOCKED, _NESTED)
    return worst[1] if worst is not None else None


def addresses_inside(facts: RequestFacts) -> Iterator[Inner]:
    """Every address inside the one that is asked for, the outermost first. Raises TooMuch."""
    path, query = whole_target(facts)
    budget, seen = Budget(), set[Inner]()
    targets = [(facts.target_host, path, query, True)]
    for depth in range(DEPTH, -1, -1):  # by levels: what comes again is no less deep, and need not be looked into
        level = dict.fromkeys(inner for target in targets for inner in _inside(*target, budget))
        found = [inner for inner in level if inner not in seen]
        if not depth:
            yield from (Inner(None, shown=True) for inner in found if inner.shown)
            return
        yield from found
        seen.update(found)
        targets = [(at.host, at.path, at.query, inner.shown) for inner in found if (at := inner.address)]


def _inside(host: str, path: str, query: str, shown: bool, budget: Budget) -> Iterator[Inner]:
    """Give what stands in one address; `shown` says whether that one's content comes here."""
    named = list(_named(host, path, query, budget))
    if named:
        yield from (Inner(address, shown) for address in named if address or shown)
    elif not only_carries(host, path):
        yield from (Inner(address, shown=False) for address in _carried(path, query, budget))


def _named(host: str, path: str, query: str, budget: Budget) -> Iterator[Address | None]:
    """Give what a relay is told to show; None for what looks like an address, and cannot be read."""
    relay = relay_of(host)
    for text in relay(host, path, query) if relay else ():
        stripped = text[_BEFORE.match(text).end() :]  # type: ignore[union-attr]  # it matches nothing at all, too
        absolute = addresses_in(stripped, budget)
        yield from (_read(each, budget) for each in absolute)
        if not absolute and "." in (plain := unquoted(stripped)).partition("/")[0]:  # without a scheme
            yield _read(f"http://{plain}", budget)


def _carried(path: str, query: str, budget: Budget) -> Iterator[Address]:
    for text in suspects(path, query):
        for found in addresses_in(text, budget):
            if (address := _read(found, budget)) is not None:
                yield address


def _read(text: str, budget: Budget) -> Address | None:
    """Read an absolute address; of one whose rest no browser would send, its host. Raises TooMuch."""
    budget.spend(text)
    for part in (text, _UP_TO_HOST.match(text)):
        try:
            return parse(part if isinstance(part, str) else part[0] if part else "")
        except MalformedAddress:
            continue
    return None


def _judged(inner: Inner, facts: RequestFacts, snapshot: PolicySnapshot) -> tuple[int, Match] | None:
    """Say what stops or monitors an inner address, for this user at this hour, and how much that weighs."""
    address = inner.address
    if address is None or (inner.shown and _is_unnamed(address, snapshot)):
        return _BLOCKED, _NESTED
    known = facts.stage not in HOST_STAGES
    path, query = (address.path, address.query) if known else ("", "")
    matches = listed(address.host, path, query, snapshot)
    if not inner.shown:
        matches = [match for match in matches if match.category in _COUNTED]
    if not matches:
        return None
    given = tuple(matches)
    settlement = settle(given, circumstances(given, facts, address.host, address.path if known else None, snapshot))
    if settlement.winner is None:
        return None
    return _weight(settlement), replace(settlement.winner, reason=reasons.NESTED)


def _is_unnamed(address: Address, snapshot: PolicySnapshot) -> bool:
    ip = address.ip
    return ip is not None and (plain(ip), address.port) not in snapshot.approved_addresses


def _weight(settlement: Settlement) -> int:
    """What no unblock lifts weighs most, then what only two people's lifts, then the rest that blocks."""
    category = settlement.winner.category if settlement.winner else None
    if category in FLOOR:
        return 0 if category == CHILD_ABUSE else 1
    return _BLOCKED if settlement.row.effect is Effect.BLOCK else _MONITORED
