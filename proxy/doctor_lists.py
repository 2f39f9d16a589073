"""`doctor` on the lists: what fills each floor category, and how old it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from categories.attempts import last_attempt
from categories.errors import ListRefused
from categories.generations import current
from categories.held import held
from categories.index import CategoryIndex
from categories.staleness import days_old, is_stale
from categories.starter import STARTER
from categories.taxonomy import CATEGORIES, FLOOR
from proxy.doctor_list_updates import LATE
from proxy.finding import Finding, Level
from proxy.list_ages import stale_limits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from categories.meta import ListSummary
    from proxy.doctor_subject import Subject

_FETCH = "run: breakwater lists update; it says what keeps it from coming"
_RENEW = "renew the file; then run: breakwater lists compile"
_ACCEPT = "raise its stale_after where its publisher changes it that seldom, or subscribe to another list"


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
    by_hand = {source.name for source in subject.settings.lists if not source.url}
    fetched = _FETCH if _may_have_newer(subject) else _ACCEPT
    ages = [
        _age_finding(summary, subject.now, limits, _RENEW if summary.name in by_hand else fetched)
        for summary in summaries.values()
    ]
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


def _may_have_newer(subject: Subject) -> bool:
    """False where the last update was lately, came through and holds nothing: every server has what is in force."""
    lists_dir = subject.state_dir / "lists"
    last = last_attempt(lists_dir)
    try:
        return last is None or last.failed or subject.now - last.at > LATE or held(lists_dir) is not None
    except ListRefused:  # what waits is damaged
        return True


def _age_finding(summary: ListSummary, now: datetime, limits: Mapping[str, timedelta], todo: str) -> Finding:
    name, days = f"list {summary.name}", days_old(summary, now)
    what = f"{summary.entries:,} entries, version {summary.version}, {days} days old"
    if is_stale(summary, limits, now):
        level = Level.RED if summary.floor else Level.WARN
        what = f"{what}: stale, its limit is {limits[summary.name].days}; it keeps blocking"
        if todo is _ACCEPT:
            what = f"{what}; its publisher has not changed it for {days} days"
        return Finding(name, level, what, todo)
    if summary.rejected:
        return Finding(name, Level.WARN, f"{what}, {summary.rejected:,} lines rejected", "see: breakwater lists status")
    return Finding(name, Level.OK, what)


def _missing(name: str) -> Finding:
    return Finding(f"list {name}", Level.RED, "subscribed, but not in force", "run: breakwater lists update")


def _left_over(name: str) -> Finding:
    return Finding(f"list {name}", Level.WARN, "in force, but not subscribed any more", "run: breakwater lists compile")
