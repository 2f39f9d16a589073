"""What the lists and ITS say of one address, and all that the table of precedence weighs it by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from categories.taxonomy import CHILD_ABUSE
from proxy import reasons
from proxy.precedence import Circumstances
from proxy.snapshot import covering_name, groups_of, unblocks_for
from proxy.verdict import Match

if TYPE_CHECKING:
    from categories.entries import ListEntry
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot


def listed(host: str, path: str, query: str, snapshot: PolicySnapshot) -> list[Match]:
    """Every entry that covers a canonical address, and a block of its host by ITS; with no path, whatever it is."""
    found = [match_of(entry, snapshot) for entry in snapshot.index.lookup(host, path, query)]
    if snapshot.its_blocks and (blocked := covering_name(host, snapshot.its_blocks)):
        found.append(Match(reasons.ITS_BLOCK, reasons.title_of(reasons.ITS_BLOCK), entry=blocked))
    return found


def match_of(entry: ListEntry, snapshot: PolicySnapshot) -> Match:
    """A list entry as a match. One of a child-abuse list is never quoted, nor where it stands: no copy, no oracle."""
    reason = reasons.WHITE_LIST if entry.white else f"category.{entry.category}"
    known = snapshot.taxonomy.get(entry.category)
    title = known.title if known else entry.category
    if entry.category == CHILD_ABUSE:
        return Match(f"category.{CHILD_ABUSE}", title, entry.category, entry.list, entry.list_version)
    place = (entry.list, entry.list_version, entry.file, entry.line)
    return Match(reason, title, entry.category, *place, entry.pattern, entry.covers)


def circumstances(
    matches: tuple[Match, ...], facts: RequestFacts, host: str, path: str | None, snapshot: PolicySnapshot
) -> Circumstances:
    """What the table of precedence has to know beside the matches of `host`, for whoever sent `facts`, at that hour.

    `path` None: not known yet.
    """
    return Circumstances(
        groups=groups_of(facts.user, snapshot),
        local=facts.at.astimezone(snapshot.timezone),
        rules=snapshot.rules,
        unblocks=unblocks_for(host, path, snapshot),
        white=any(match.reason == reasons.WHITE_LIST for match in matches),
    )
