"""`doctor` on the lists: what fills each floor category, and how old it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from categories.generations import current
from categories.index import CategoryIndex
from categories.staleness import days_old, is_stale
from categories.starter import STARTER
from categories.taxonomy import CATEGORIES, FLOOR
from proxy.finding import Finding, Level
from proxy.list_ages import stale_limits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from categories.meta import ListSummary
    from proxy.doctor_subject import Subject

_RENEW = "run: breakwater lists update; it says what keeps it from coming; a local file has to be renewed by hand"


def check_floor(subject: Subject) -> tuple[Finding, ...]:
    """Entries of each floor category, and the lists that they come from. Raises IndexRefused."""
    index = _index(subject)
    floor = [category.id for category in CATEGORIES if category.id in FLOOR]
    return tuple(_floor_finding(subject, id_, dict(index.counts.get(id_, {}))) for id_ in floor)


def check_lists(subject: Subject) -> tuple[Finding, ...]:
    """Lists that are missing or left over, and how old each is. Raises IndexRefused."""
    summaries = {summary.name: summary for summary in _index(subject).lists}
    subscribed = {source.name for source in subject.settings.lists}
    limits = stale_limits(subject.settings)
    missing = [_missing(source.name) for source in subject.settings.lists if source.name not in summaries]
    left_over = [_left_over(name) for name in summaries if name not in subscribed and name != STARTER]
    ages = [_age_finding(summary, subject.now, limits) for summary in summaries.values()]
    return (*missing, *left_over, *ages)


def _index(subject: Subject) -> CategoryIndex:
    return CategoryIndex.open(current(subject.state_dir / "lists"))


def _floor_finding(subject: Subject, category: str, counts: dict[str, int]) -> Finding:
    name = f"floor {category}"
    entries = ", ".join(f"{count:,} from {source}" for source, count in counts.items() if count)
    if not entries:
        return Finding(name, Level.RED, "no entries: nothing of it is blocked by list", "run: breakwater lists update")
    if subject.settings.starter_only:
        return Finding(name, Level.RED, f"{entries}; starter_only: this is a demo", "subscribe to a list under lists:")
    if not any(count for source, count in counts.items() if source != STARTER):
        return Finding(name, Level.WARN, f"{entries} alone", f"map a list to {category} where you have one")
    return Finding(name, Level.OK, entries)


def _age_finding(summary: ListSummary, now: datetime, limits: Mapping[str, timedelta]) -> Finding:
    name = f"list {summary.name}"
    what = f"{summary.entries:,} entries, version {summary.version}, {days_old(summary, now)} days old"
    if is_stale(summary, limits, now):
        level = Level.RED if summary.floor else Level.WARN
        what = f"{what}: stale, its limit is {limits[summary.name].days}; it keeps blocking"
        return Finding(name, level, what, _RENEW)
    if summary.rejected:
        return Finding(name, Level.WARN, f"{what}, {summary.rejected:,} lines rejected", "see: breakwater lists status")
    return Finding(name, Level.OK, what)


def _missing(name: str) -> Finding:
    return Finding(f"list {name}", Level.RED, "subscribed, but not in force", "run: breakwater lists update")


def _left_over(name: str) -> Finding:
    return Finding(f"list {name}", Level.WARN, "in force, but not subscribed any more", "run: breakwater lists compile")
