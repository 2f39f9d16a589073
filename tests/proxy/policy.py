"""A district, its lists and its traffic, for the tests of what decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml

from categories.address import literal, parse
from categories.entries import Covers, ListEntry
from config.load import loads
from proxy.facts import RequestFacts, Stage
from proxy.snapshot import build
from proxy.unblock import Scope, Unblock

CASES = Path(__file__).parents[1] / "cases"

#: 10:00 on a Monday in California.
MONDAY = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)

DISTRICT = """
district: {name: Demo, timezone: America/Los_Angeles}
retention: {records: 90d, evidence: 10y, cases: 10y}
starter_only: true
"""

FLOOR_ENTRIES = ("obscene: obscene.test", "child-abuse: abuse.test", "pornography: adult.test",
                 "harmful-to-minors: minors.test")  # fmt: skip


@dataclass(frozen=True)
class Lists:
    """An index in memory, small and obvious."""

    entries: tuple[ListEntry, ...]
    generation: str = "test"

    @property
    def counts(self):
        found = {}
        for entry in self.entries:
            lists = found.setdefault(entry.category, {})
            lists[entry.list] = lists.get(entry.list, 0) + 1
        return found

    def lookup(self, host, path, query):
        return tuple(entry for entry in self.entries if _covers(entry, host, f"{path}?{query}" if query else path))


def _covers(entry, host, path):
    named, slash, prefix = entry.pattern.partition("/")
    below = host == named or (entry.covers is Covers.DOMAIN and host.endswith(f".{named}"))
    whole = not slash or path == f"/{prefix}" or path.startswith((f"/{prefix}/", f"/{prefix}?"))
    return below and whole


def entry_of(text, line=1):
    """ "white education: ok.test", "games: fun.test/play", "shopping: =shop.test" (that host alone)."""
    kind, _, pattern = text.partition(": ")
    white, category = kind.startswith("white "), kind.removeprefix("white ")
    covers = Covers.PREFIX if "/" in pattern else Covers.HOST if pattern.startswith("=") else Covers.DOMAIN
    return ListEntry(
        category, pattern.lstrip("="), covers, "starter", "2026-11-22 3f9a1c2e", f"{category}/domains", line, white
    )


def lists(*texts):
    return Lists(tuple(entry_of(text, line) for line, text in enumerate((*FLOOR_ENTRIES, *texts), start=1)))


def settings(text=""):
    return loads(DISTRICT + text, "district.yaml", Path("/district"))


def snapshot(text="", entries=(), **given):
    return build(settings(text), lists(*entries), revision=7, **given)


def unblock(host, lifts, **changes):
    values = {"id": f"u-{host}", "host": host, "scope": Scope.HOST, "lifts": frozenset(lifts), "authors": ("its.one",),
              "reason": "needed for a lesson", "since": MONDAY}  # fmt: skip
    return Unblock(**(values | changes))


def facts(url="https://site.test/", stage="request", **changes):
    address = parse(url)
    tunnel = address.scheme == "https"
    values = {"stage": Stage(stage), "at": MONDAY, "client": "10.1.2.3", "method": "GET", "scheme": address.scheme,
              "host": address.host, "port": address.port, "path": address.path, "query": address.query,
              "ip": address.ip, "user": "ana", "identity": "local"}  # fmt: skip
    if stage == "connect":
        values |= {"scheme": "tunnel", "method": "CONNECT"}
    elif tunnel:
        values |= {"tunnel_host": address.host, "tunnel_port": address.port, "host_header": address.host}
        values |= {"sni": None if literal(address.host) else address.host}
    return RequestFacts(**(values | changes))


def table(name):
    return yaml.safe_load((CASES / name).read_text(encoding="utf-8"))
