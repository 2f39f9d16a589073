"""Path and query however long they are: what is cut off in the facts goes to the origin all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from categories.paths import decode_unreserved, merge_slashes

if TYPE_CHECKING:
    from proxy.facts import RequestFacts


def whole_target(facts: RequestFacts) -> tuple[str, str]:
    """Give the path and query in the spelling of the facts; dot segments in a path that was cut stay."""
    if not facts.uncut:
        return facts.path, facts.query
    path, _, query = facts.uncut.partition("?")
    return decode_unreserved(merge_slashes(path)), decode_unreserved(query)
