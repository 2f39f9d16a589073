"""What an entry of a list covers beside the address that somebody asked about: one line may name many sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from categories.entries import Covers
from categories.suffixes import is_shared

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from proxy.verdict import Match

#: Fewer hosts than this are not told (usage_log.hosts_below).
TOLD_FROM = 3

_WORDS = {
    Covers.DOMAIN: "{} with its sub-domains",
    Covers.HOST: "{} alone",
    Covers.PREFIX: "addresses that begin with {}",
    Covers.EXPRESSION: "addresses that match {}",
}


class Below(Protocol):
    """How many visited hosts lie below each domain (usage_log.hosts_below.HostsBelow)."""

    @property
    def counts(self) -> Mapping[str, int | None]:
        """Domain -> visited hosts; None for fewer than three."""

    @property
    def unread(self) -> tuple[str, ...]:
        """A line for each thing that could not be read."""


#: Counts visited hosts below domains, but for one host.
type CountBelow = Callable[[Collection[str], str], Below]


@dataclass(frozen=True, slots=True)
class Reach:
    """What one entry covers. `others`: other visited hosts, where they were counted; None for fewer than three."""

    entry: str
    covers: Covers
    shared: bool  # strangers have sites below it
    others: int | None = None
    counted: bool = False

    def line(self) -> str:
        """Say it in a line."""
        words = _WORDS[self.covers].format(self.entry)
        if self.counted:
            others = f"fewer than {TOLD_FROM}" if self.others is None else f"{self.others:,}"
            words += f": also {others} other hosts that were visited in the last 30 days"
        return f"{words}; WIDE: a shared host, strangers have sites below it" if self.shared else words

    def as_dict(self) -> dict[str, Any]:
        """Say it for JSON; `other_hosts` is null where they were not counted."""
        told = {"fewer_than": TOLD_FROM} if self.others is None else {"count": self.others}
        return {"shared_host": self.shared, "other_hosts": told if self.counted else None}


def reach_of(match: Match, counts: Mapping[str, int | None]) -> Reach | None:
    """What the entry of a match covers; None for a match that is no entry of a list."""
    if match.covers is None or match.entry is None:
        return None
    counted = match.covers is Covers.DOMAIN and match.entry in counts
    shared = match.covers is Covers.DOMAIN and is_shared(match.entry)
    return Reach(match.entry, match.covers, shared, counts.get(match.entry) if counted else None, counted)


def domains_of(matches: Collection[Match]) -> tuple[str, ...]:
    """The domains that the matches' entries cover with all below them, each once."""
    found = (match.entry for match in matches if match.covers is Covers.DOMAIN and match.entry)
    return tuple(dict.fromkeys(found))
