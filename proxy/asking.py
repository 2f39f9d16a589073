"""Questions to the policy that no request puts: what a GET of an address would get, from nobody in particular.

Child-abuse lists are left out, because an answer about them would be a way of searching them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from categories.address import parse
from categories.taxonomy import CHILD_ABUSE
from proxy.evaluate import evaluate, is_passed_through
from proxy.facts import RequestFacts, Stage, uncut
from proxy.verdict import Action

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from categories.address import Address
    from categories.entries import ListEntry
    from proxy.snapshot import Index, PolicySnapshot
    from proxy.verdict import Verdict


def as_asked(snapshot: PolicySnapshot) -> PolicySnapshot:
    """The policy as somebody who is nobody in particular may ask it."""
    return replace(snapshot, index=_WithoutChildAbuse(snapshot.index), identity_required=False)


def facts_of(address: Address, user: str | None, at: datetime) -> RequestFacts:
    """A GET of an address; inside a tunnel where its scheme says so."""
    tunnelled = address.scheme in ("https", "wss")
    return RequestFacts(
        stage=Stage.REQUEST,
        at=at,
        client="",
        method="GET",
        scheme=address.scheme,
        host=address.host,
        port=address.port,
        path=address.path,
        query=address.query,
        user=user,
        ip=address.ip,
        tunnel_host=address.host if tunnelled else None,
        tunnel_port=address.port if tunnelled else None,
    )


def asked_of(url: str) -> tuple[Address, str]:
    """An address as somebody writes it, https where it has no scheme, and its path and query where they are long.

    Raises MalformedAddress.
    """
    whole = url if _SCHEME.match(url) else f"https://{url}"
    address = parse(whole)
    return address, uncut(_TARGET.sub("", whole, count=1).partition("#")[0], address.path, address.query)


#: What stands before the colon has no dot, or "site.test/?u=https://other.test/" would have a scheme.
_SCHEME = re.compile(r"\s*[a-z][a-z0-9+-]*:[/\\]", re.IGNORECASE)
_TARGET = re.compile(r"[^:]*:[/\\]*[^/\\?#]*")


def judged(facts: RequestFacts, snapshot: PolicySnapshot) -> tuple[RequestFacts, Verdict]:
    """The facts by which a request is decided, and its verdict: those of its CONNECT where that is passed through."""
    if facts.tunnel_host is not None and is_passed_through(facts, snapshot):
        connect = replace(facts, stage=Stage.CONNECT, scheme="tunnel", method="CONNECT", path="/", query="")
        verdict = evaluate(connect, snapshot)
        if verdict.action is Action.PASSTHROUGH:
            return connect, verdict
    return facts, evaluate(facts, snapshot)


@dataclass(frozen=True, slots=True)
class _WithoutChildAbuse:
    """The lists, but those of child-abuse."""

    whole: Index

    @property
    def generation(self) -> str:
        return self.whole.generation

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        return self.whole.counts

    def lookup(self, host: str, path: str, query: str) -> tuple[ListEntry, ...]:
        found = self.whole.lookup(host, path, query)
        return tuple(entry for entry in found if entry.category != CHILD_ABUSE)
