"""Acts that change the lists, as a command or a start does them: with what the usage log knows, and told to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

from categories.act import Act, silent
from categories.change import ChangedVerdict, Verdicts
from categories.holds import HoldLimits
from proxy.impact import impact
from proxy.policy_files import NothingApplied, applied_settings, policy_of
from proxy.snapshot import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from categories.act import Generation
    from categories.change import Change
    from categories.history import Applied
    from categories.index import CategoryIndex
    from categories.spool import Progress
    from config.settings import Settings
    from proxy.impact import Changed, Visited
    from proxy.verdict import Verdict

#: Changes of the lists are tried on the hosts that were visited in this time; `explain` counts those below an entry.
VISITED = timedelta(days=30)


class Visits(Protocol):
    """What the usage log knows (usage_log.visits.Visits): hosts, and a line for each thing that it could not read."""

    @property
    def hosts(self) -> Sequence[Visited]:
        """Hosts that three people or more asked for."""

    @property
    def unread(self) -> tuple[str, ...]:
        """What could not be read."""


@dataclass(frozen=True, slots=True)
class UsageLog:
    """What breakwater.py hands in of the usage log. `visits`: of a state_dir since a moment (UTC)."""

    visits: Callable[[Path, datetime], Visits]
    record: Callable[[Path, Applied, Generation, Change], None]


def act_of(folder: Path, author: str, reason: str, usage_log: UsageLog, progress: Progress = silent) -> Act:
    """An act on the lists of a state_dir."""
    return Act(
        author=author,
        reason=reason,
        progress=progress,
        verdicts=partial(_verdicts, folder, usage_log),
        record=partial(usage_log.record, folder),
    )


def hold_limits(settings: Settings) -> HoldLimits:
    """Which updates wait for a person, by these settings."""
    hold = settings.list_updates.hold
    return HoldLimits(hold.shrink, hold.growth)


def _verdicts(folder: Path, usage_log: UsageLog, old: CategoryIndex, new: CategoryIndex) -> Verdicts:
    """Judge what was visited by both indexes. Raises SnapshotRefused where the workers would refuse the new one."""
    now = datetime.now(UTC)
    try:
        applied = applied_settings(folder)
    except NothingApplied:
        return Verdicts()
    after = policy_of(applied, new, now)
    try:
        before = policy_of(applied, old, now)
    except SnapshotRefused:  # lists for other settings: there is nothing to compare with
        return Verdicts(unread=("what is in force does not fit the settings, so verdicts were not compared",))
    visits = usage_log.visits(folder, now - VISITED)
    return Verdicts(tuple(map(_said, impact(before, after, visits.hosts, now))), visits.unread)


def _said(changed: Changed) -> ChangedVerdict:
    return ChangedVerdict(changed.host, changed.people, _words(changed.before), _words(changed.after))


def _words(verdict: Verdict) -> str:
    return f"{verdict.action.value} {verdict.reason}"
