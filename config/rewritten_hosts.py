"""Which hosts' requests are rewritten for safe search and tenants: rewritten_hosts.yaml, with its sources."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from categories.address import canonical_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FILE = Path(__file__).with_name("rewritten_hosts.yaml")


@dataclass(frozen=True, slots=True)
class RewrittenHosts:
    """The canonical hosts of one service: `hosts` each alone, `domains` with their sub-domains.

    `sign_in` are those of its hosts at which accounts are let in; none for a search engine.
    """

    hosts: frozenset[str]
    domains: frozenset[str]
    sign_in: frozenset[str]
    terms: str | None = None  # the parameter in which a search engine takes its question
    pages: frozenset[str] = frozenset()  # the paths of its pages of results, without a slash at their end

    def holds(self, name: str) -> bool:
        """True when `name` by itself is one of these."""
        return name in self.hosts or any(_covers(domain, name) for domain in self.domains)

    def overlap(self, name: str) -> str | None:
        """A host of these that `name`, with its sub-domains, covers or lies below; None for none."""
        if self.holds(name):
            return name
        return min((host for host in self.hosts | self.domains if _covers(name, host)), default=None)

    @property
    def signing_in(self) -> RewrittenHosts:
        """Those of these at which accounts are let in, each alone."""
        return RewrittenHosts(self.sign_in, frozenset(), self.sign_in)


@cache
def search_hosts() -> Mapping[str, RewrittenHosts]:
    """Hosts by search engine; YouTube is one."""
    return _service("search")


@cache
def tenant_hosts() -> Mapping[str, RewrittenHosts]:
    """Hosts by service that restricts tenants."""
    return _service("tenants")


def _service(kind: str) -> Mapping[str, RewrittenHosts]:
    told: dict[str, dict[str, Any]] = yaml.load(_FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)[kind]
    return {
        name: RewrittenHosts(
            frozenset(map(canonical_host, _hosts(said))),
            frozenset(map(canonical_host, said.get("domains", ()))),
            frozenset(map(canonical_host, said.get("sign_in", ()))),
            said.get("terms"),
            frozenset(page.rstrip("/") for page in said.get("pages", ())),
        )
        for name, said in told.items()
    }


def _hosts(said: dict[str, Any]) -> Iterator[str]:
    yield from said.get("hosts", ())
    for ending in said.get("endings", ()):
        for below in said["under"]:
            yield f"{below}.{said['name']}.{ending}".lstrip(".")


def _covers(name: str, host: str) -> bool:
    return host == name or host.endswith(f".{name}")
