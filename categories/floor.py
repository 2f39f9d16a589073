"""Invariant 1: a configured floor list that is missing, empty or shrunk by over 20 % refuses the load."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from categories.errors import FloorRefused, ListRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from categories.meta import ListSummary
    from categories.sources import ListSource

#: A floor list may lose up to this share of its entries between two generations, in percent.
SHRINK_LIMIT = 20


@contextmanager
def refusing_floor(source: ListSource) -> Iterator[None]:
    """Whatever refuses a list that fills the floor refuses the floor."""
    try:
        yield
    except FloorRefused:
        raise
    except ListRefused as refusal:
        if source.floor:
            raise FloorRefused(f"{refusal} (floor: {', '.join(sorted(source.floor))})") from refusal
        raise


def check_floor(
    sources: Sequence[ListSource], lists: Sequence[ListSummary], previous: Mapping[str, Mapping[str, int]]
) -> None:
    """Raise FloorRefused for the first floor category of a list that is empty or shrank.

    `previous` has the entries in force, by category, then by list.
    """
    summaries = {summary.name: summary for summary in lists}
    for source in sources:
        for category in sorted(source.floor):
            now = summaries[source.name].counts.get(category, 0)
            before = previous.get(category, {}).get(source.name, 0)
            if now == 0:
                raise FloorRefused(f"list {source.name}: has no entries for {category}; check its map and its source")
            if now * 100 < before * (100 - SHRINK_LIMIT):
                shrink = f"{category} would shrink from {before} to {now} entries, over {SHRINK_LIMIT} %"
                raise FloorRefused(f"list {source.name}: {shrink}; check where the list comes from")
