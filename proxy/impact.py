"""What would change for the hosts that people really visit, were another policy in force.

Each host is judged as `explain` judges a page of it: for nobody in particular, by the engine that decides traffic. A
child-abuse list that begins or ceases to name a visited host is told without the host: a question to such a list has
no answer (docs/decisions/0004-no-oracle-for-child-abuse-lists.md), but a poisoned one must not come into force unseen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from categories.address import Address, MalformedAddress, canonical_host, literal
from categories.index import WITHHELD
from categories.taxonomy import CHILD_ABUSE
from proxy.asking import as_asked, facts_of, judged
from proxy.verdict import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from categories.entries import Covers, ListEntry
    from proxy.facts import RequestFacts
    from proxy.snapshot import Index, PolicySnapshot
    from proxy.verdict import Verdict

    type Pair = tuple[PolicySnapshot, PolicySnapshot]


class Visited(Protocol):
    """A host, and how many people asked for it (usage_log.visits.Visited)."""

    @property
    def host(self) -> str:
        """The host, canonical."""

    @property
    def people(self) -> int:
        """How many different people asked for it."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A visited host whose verdict would change. `host` is "(withheld)" where a child-abuse list makes the change."""

    host: str
    people: int
    before: Verdict
    after: Verdict

    @property
    def newly_blocked(self) -> bool:
        """True where it was let through, and would not be."""
        return self.before.forwards and self.after.action is Action.BLOCK


def impact(old: PolicySnapshot, new: PolicySnapshot, hosts: Iterable[Visited], at: datetime) -> tuple[Changed, ...]:
    """Return the hosts whose action, category or reason would change: those newly blocked first, then by people.

    `at` (UTC) is the moment that both policies are asked about: some rules hold by the hour.
    """
    judges = _Judges(old, new, at)
    found = [change for visited in hosts if _is_host(visited) for change in judges.changes_of(visited)]
    return tuple(sorted(found, key=lambda change: (not change.newly_blocked, -change.people, change.host)))


def _is_host(visited: Visited) -> bool:
    """A malformed request is recorded with whatever it named; no list decides about that."""
    try:
        return canonical_host(visited.host) == visited.host
    except MalformedAddress:
        return False


def _by_nobody(policy: PolicySnapshot) -> PolicySnapshot:
    return replace(policy, index=_Remembering(policy.index), identity_required=False)


class _Judges:
    """Both policies, as nobody in particular asks them, with and without the child-abuse lists."""

    def __init__(self, old: PolicySnapshot, new: PolicySnapshot, at: datetime) -> None:
        self._at = at
        self._whole = _by_nobody(old), _by_nobody(new)
        self._asked = as_asked(self._whole[0]), as_asked(self._whole[1])
        self._same_rules = replace(old, index=new.index) == new

    def changes_of(self, visited: Visited) -> Iterator[Changed]:
        """What changes for one host."""
        before, after = (_say(policy.index, visited.host) for policy in self._whole)
        if before == after and self._same_rules:  # nearly every host; judging takes four times as long as looking
            return
        facts = facts_of(Address("https", visited.host, 443, ip=literal(visited.host)), None, self._at)
        yield from _changed(visited.host, visited.people, facts, self._asked)
        if _names_withheld(before) is not _names_withheld(after):
            yield from _changed(WITHHELD, visited.people, facts, self._whole)


def _say(index: Index, host: str) -> frozenset[tuple[str, Covers, bool]]:
    """All that a verdict's action, category and reason can depend on in what the lists say of a host."""
    return frozenset((entry.category, entry.covers, entry.white) for entry in index.lookup(host, "/", ""))


def _names_withheld(said: frozenset[tuple[str, Covers, bool]]) -> bool:
    return any(category == CHILD_ABUSE for category, _, _ in said)


def _changed(host: str, people: int, facts: RequestFacts, policies: Pair) -> Iterator[Changed]:
    before, after = (judged(facts, policy)[1] for policy in policies)
    if _told(before) != _told(after):
        yield Changed(host, people, before, after)


def _told(verdict: Verdict) -> tuple[str, str | None, str]:
    return verdict.action, verdict.category, verdict.reason


class _Remembering:
    """The lists, with the answer to the last question: one host is asked about three times in a row."""

    def __init__(self, whole: Index) -> None:
        self._whole = whole
        self._answer = lru_cache(maxsize=1)(whole.lookup)

    @property
    def generation(self) -> str:
        return self._whole.generation

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        return self._whole.counts

    def lookup(self, host: str, path: str, query: str) -> tuple[ListEntry, ...]:
        return self._answer(host, path, query)
