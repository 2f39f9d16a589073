"""An unblock: what ITS decided and is in force. One thing at a time, and never more than its evidence names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from publicsuffixlist import PSLFILE

from categories.address import MalformedAddress, canonical_host, literal, parse
from categories.paths import path_readings
from categories.suffixes import below_private_suffix, is_public_suffix
from categories.taxonomy import CHILD_ABUSE, FLOOR
from proxy.reasons import NEVER_LIFTED, REASONS, is_technique

if TYPE_CHECKING:
    from datetime import datetime


_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Scope(StrEnum):
    """How much of a host an unblock covers."""

    HOST = "host"
    SUBDOMAINS = "subdomains"  # the host and its sub-domains
    PATH = "path"  # where TLS is opened


class UnblockRefused(ValueError):
    """The invariants forbid this unblock. One line: what is wrong, and what to do."""


@dataclass(frozen=True, slots=True)
class Unblock:
    """What ITS lifted. `host` and `path` are canonical (categories.address)."""

    id: str
    host: str
    scope: Scope
    lifts: frozenset[str]  # ids of categories ("social-media") and detectors' reasons ("bypass.web-proxy")
    authors: tuple[str, ...]  # account ids; two different people for a floor entry
    reason: str
    since: datetime  # UTC
    path: str = ""  # with scope `path`: the path and what lies below it

    @property
    def by_two(self) -> bool:
        """True when two different people stand behind it."""
        return len({author.strip().casefold() for author in self.authors} - {""}) >= 2

    def covers_host(self, host: str) -> bool:
        """True when it speaks about this host, or about a path on it."""
        return host == self.host or (self.scope is Scope.SUBDOMAINS and host.endswith(f".{self.host}"))

    def covers_path(self, path: str) -> bool:
        """True when it covers this path in every way an origin may read it (`/ok;x/..%2fbad` is refused)."""
        if self.scope is not Scope.PATH:
            return True
        return all(_is_below(reading, self.path) for reading in path_readings(path))


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith(top if top.endswith("/") else f"{top}/")


def admit(unblock: Unblock) -> None:
    """Check one unblock against invariant 6. Raises UnblockRefused."""
    if problem := _problem(unblock):
        raise UnblockRefused(f"unblock {_shown(unblock.id)} ({_shown(unblock.host + unblock.path)}): {problem}")


def _shown(text: str) -> str:
    """Text of the feed, short and on one line."""
    return ascii(text[:80])[1:-1]


def _problem(unblock: Unblock) -> str | None:
    return _host_problem(unblock) or _path_problem(unblock) or _lifts_problem(unblock) or _author_problem(unblock)


def _host_problem(unblock: Unblock) -> str | None:
    host = unblock.host
    if "*" in host:
        return "a host may not contain *; name one host"
    if "/" in host or _is_span(host):
        return "an IP range cannot be unblocked; name one host"
    if not _is_canonical(host):
        return "is not a host in its canonical form (lower case, ASCII, no port, no trailing dot)"
    if literal(host) is not None:
        return None if unblock.scope is Scope.HOST else "an address has no sub-domains or paths; choose scope host"
    if is_public_suffix(host):
        return "is a public suffix: thousands of strangers share it; name one host"
    if unblock.scope is not Scope.HOST and below_private_suffix(host):
        return "is shared hosting: choose scope host"
    if unblock.scope is Scope.SUBDOMAINS and host in _above_suffixes():
        return "has shared hosting below it: name one host"
    return None


def _is_span(host: str) -> bool:
    first, dash, last = host.partition("-")
    return bool(dash) and all(part.replace(".", "").isdigit() for part in (first, last))


def _is_canonical(host: str) -> bool:
    try:
        return canonical_host(host) == host
    except MalformedAddress:
        return False


@cache
def _above_suffixes() -> frozenset[str]:
    """Names with a public suffix below them, such as amazonaws.com: their sub-domains belong to strangers."""
    above: set[str] = set()
    for line in Path(PSLFILE).read_text(encoding="utf-8").splitlines():
        name = "" if line.startswith("//") else line.lstrip("!*.")
        while "." in name:
            name = name.partition(".")[2]
            above.add(name)
    return frozenset(above)


def _path_problem(unblock: Unblock) -> str | None:
    if unblock.scope is not Scope.PATH:
        return "has a path, and its scope is not path" if unblock.path else None
    if not unblock.path.startswith("/") or unblock.path == "/":
        return "scope path needs a path below /"
    try:
        address = parse(f"https://{unblock.host}{unblock.path}")
    except MalformedAddress as error:
        return f"path: {error}"
    if address.path != unblock.path or path_readings(unblock.path) != (unblock.path,):
        return "path is not in its canonical form, or origins would read it differently"
    return None


def _lifts_problem(unblock: Unblock) -> str | None:
    if not unblock.lifts:
        return "names nothing that it lifts"
    if CHILD_ABUSE in unblock.lifts:
        return "child-abuse cannot be unblocked"
    for lifted in sorted(unblock.lifts):
        if lifted in NEVER_LIFTED:
            return f"{lifted} cannot be unblocked; private destinations are listed in private_networks"
        if not _SLUG.fullmatch(lifted) and not (is_technique(lifted) and lifted in REASONS):
            return f"{_shown(lifted)} is neither a category nor a detector's reason"
    return None


def _author_problem(unblock: Unblock) -> str | None:
    if not all(author.strip() for author in unblock.authors) or not unblock.authors:
        return "has no author"
    if unblock.lifts & FLOOR and not unblock.by_two:
        return f"{', '.join(sorted(unblock.lifts & FLOOR))} needs two different people"
    if not unblock.reason.strip():
        return "has no reason"
    if unblock.since.tzinfo is None:
        return "has a date without a time zone"
    return None
