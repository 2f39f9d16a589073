"""Raises an alert about repeated attempts: a row of the usage log, a line on standard error, a figure.

The collector runs it, because only there the records of all workers come together. What it counts is kept in memory; a
new collector reads the last windows from the day files, so that a restart neither forgets attempts nor tells of them
twice. The row goes through a spool segment of its own, as what is done to the lists does, and is stored once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from config.problems import SettingsRefused
from config.revision_files import RevisionFiles
from config.revisions import Revisions, RevisionTampered, RevisionUnreadable
from usage_log.acts import record_act
from usage_log.attempt_alerts import record_of
from usage_log.attempts import Alert, Attempts, Rule, attempt_of
from usage_log.day_files import DayRefused
from usage_log.day_reader import LogUnreadable
from usage_log.frames import column
from usage_log.past_attempts import recall
from usage_log.pseudonyms import KeyRefused, Pseudonyms
from usage_log.spool import SpoolFull

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from prometheus_client import Counter

    from usage_log.attempts import Attempt
    from usage_log.frames import Stamped

log = logging.getLogger(__name__)

_LOOK: Final = 1.0  # seconds

_ID: Final = column("id")

#: Attempts kept at most while the log is read: the latest.
_WAITING: Final = 10_000


class AttemptWatch:
    """Counts the attempts among stored records, by the rule in the applied settings."""

    def __init__(self, state_dir: Path, alerts: Counter) -> None:
        self._state_dir = state_dir
        self._alerts = alerts
        self._pseudonyms = Pseudonyms(state_dir / "audit-keys")
        self._revision = 0
        self._rule = Rule(0, 1)
        self._attempts: Attempts | None = None  # None: what was before is not yet known
        self._waiting: deque[Attempt] = deque(maxlen=_WAITING)  # what comes while the log is read
        self._owed: list[Alert] = []
        self._unstored: set[str] = set()  # rows of alerts that are written, and not yet in the log

    def see(self, rows: Sequence[Stamped]) -> None:
        """Count records that have been stored."""
        self._unstored.difference_update(row[_ID] for row in rows)
        for attempt in filter(None, map(attempt_of, rows)):
            if self._attempts is None:
                self._waiting.append(attempt)
            else:
                self._count(attempt, self._attempts)

    def _count(self, attempt: Attempt, attempts: Attempts) -> None:
        if (alert := attempts.add(attempt)) is not None:
            self._owed.append(alert)

    async def run(self, caught_up: Callable[[], bool]) -> None:
        """Raise alerts until cancelled, once `caught_up` says that all records in the spool are stored."""
        while True:
            try:
                await self.look(caught_up())
            except Exception as error:  # what a log holds may be anything; one failure must not end it
                log.error("repeated attempts cannot be looked for now, trying again: %s", type(error).__name__)
            await asyncio.sleep(_LOOK)

    async def look(self, caught_up: bool) -> None:
        """Follow the settings, and raise what is owed. Failures are said, and tried again."""
        if await asyncio.to_thread(self._follow_settings):
            self._attempts = None
        if self._attempts is None and caught_up and not self._unstored:  # else the log lacks what has been told
            await self._recall()
        while self._owed:
            try:
                await asyncio.to_thread(self._raise, self._owed[0])
            except (SpoolFull, OSError) as error:
                log.error("an alert about repeated attempts has to wait: %s", error)
                return
            self._alerts.inc()
            del self._owed[0]

    def _follow_settings(self) -> bool:
        """Take the rule of the applied settings; True when it has changed. One that cannot be read changes nothing."""
        try:
            if (number := RevisionFiles(self._state_dir).number()) == self._revision:
                return False
            applied = Revisions(self._state_dir).current()
        except (RevisionTampered, RevisionUnreadable, SettingsRefused):
            return False  # the collector says so where it looks after the days
        self._revision = number
        before, settings = self._rule, applied.settings.attempts if applied else None
        if settings is not None:
            self._rule = Rule(settings.count, settings.minutes)
        return self._rule != before and self._attempts is not None

    async def _recall(self) -> None:
        attempts, now = Attempts(self._rule), time.time_ns() // 1000
        try:
            self._owed = await asyncio.to_thread(recall, self._state_dir / "log", attempts, now)
        except (DayRefused, LogUnreadable) as error:
            log.warning("attempts before now are not counted: %s", error)
        self._attempts = attempts
        for attempt in sorted(self._waiting, key=lambda one: one.time):
            self._count(attempt, attempts)
        self._waiting.clear()

    def _raise(self, alert: Alert) -> None:
        record = record_of(alert, self._revision)
        self._unstored.add(record.id)
        try:
            record_act(self._state_dir / "spool", record)
        except (SpoolFull, OSError):
            self._unstored.discard(record.id)
            raise
        log.warning(
            "repeated attempts of %s: %d blocked pages within %d minutes; see: breakwater audit log --reason attempts",
            self._shown(alert),
            len(alert.records),
            alert.rule.minutes,
        )

    def _shown(self, alert: Alert) -> str:
        try:
            return self._pseudonyms.of(alert.user, alert.time)
        except (KeyRefused, OSError):
            return "somebody"
