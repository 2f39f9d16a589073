"""What the log holds of attempts and of alerts, for a collector that has just started: nobody is told of twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from usage_log.attempts import FAMILIES, Attempt, page_of
from usage_log.day_files import moment_of
from usage_log.day_reader import Filter, days_of, reading
from usage_log.record import ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from usage_log.attempts import Alert, Attempts

_FAMILY: Final = " OR ".join(f"substr(reason, 1, {len(family)}) = '{family}'" for family in FAMILIES)
_ATTEMPTS: Final = f"""
SELECT user, time, host, path, id FROM decision
WHERE time >= ? AND event = 'decision' AND action = 'block' AND intent = 'navigate' AND user IS NOT NULL AND ({_FAMILY})
ORDER BY time, rowid
"""  # noqa: S608 - made of constants
_TOLD: Final = f"SELECT user, time FROM decision WHERE time >= ? AND event = '{ATTEMPTS}' AND user IS NOT NULL"  # noqa: S608 - as above


def recall(log: Path, attempts: Attempts, now: int) -> list[Alert]:
    """Count what the log holds of the last two windows; return the alerts that it should hold, and does not.

    Those a collector owed when it was killed. An alert keeps its person quiet for a window, so the alerts of three
    windows are what decides. Raises DayRefused and LogUnreadable.
    """
    window = attempts.rule.window
    stored: dict[str, list[int]] = {}
    found: list[Attempt] = []
    for day in days_of(log, Filter(since=moment_of(max(0, now - 3 * window)))):
        with reading(log, day) as database:
            for row in database.execute(_TOLD, (now - 3 * window,)):
                stored.setdefault(row["user"], []).append(row["time"])
            rows = database.execute(_ATTEMPTS, (now - 2 * window,))
            found += [Attempt(row["user"], row["time"], page_of(row["host"], row["path"]), row["id"]) for row in rows]
    return _counted(attempts, sorted(found, key=lambda one: one.time), stored)


def _counted(attempts: Attempts, found: list[Attempt], stored: dict[str, list[int]]) -> list[Alert]:
    """Count in the order of time; an alert of the log holds from its time on, whatever is counted here."""
    owed = []
    ahead = {user: sorted(times, reverse=True) for user, times in stored.items()}  # the next one is the last
    for attempt in found:
        times = ahead.get(attempt.user, [])
        while times and times[-1] <= attempt.time:
            attempts.told(attempt.user, times.pop())
        if (alert := attempts.add(attempt)) is not None:
            owed.append(alert)
    for user, times in ahead.items():
        for time in times:
            attempts.told(user, time)
    return [alert for alert in owed if not _is_told(alert, stored.get(alert.user, ()))]


def _is_told(alert: Alert, times: Iterable[int]) -> bool:
    """True where the log has an alert of that window: workers' records may have been counted in another order."""
    return any(abs(time - alert.time) <= alert.rule.window for time in times)
