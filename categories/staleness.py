"""How old a list is, and whether that is too old. A stale list keeps blocking; it only alarms (invariant 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from categories.meta import ListSummary


def days_old(summary: ListSummary, now: datetime) -> int:
    """Whole days since the list's date; 0 for a date that is still to come."""
    return max(0, (now - summary.date).days)


def is_stale(summary: ListSummary, stale_after: Mapping[str, timedelta], now: datetime) -> bool:
    """True for a list that is older than its limit; one without a limit never is."""
    limit = stale_after.get(summary.name)
    return limit is not None and now - summary.date > limit
