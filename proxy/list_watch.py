"""What a running filter says of its lists: figures for the metrics, and an alarm where a list of the floor is stale.

The collector serves the metrics and may not look into the lists, so the supervisor writes down what they are whenever
they change (run/lists.json, read by usage_log/list_figures.py). The alarm is a line on standard error, once a day. A
stale list keeps blocking; nothing here touches traffic.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from categories.errors import IndexRefused
from categories.generations import current
from categories.meta import read_meta
from categories.staleness import days_old, is_stale
from config.problems import SettingsRefused
from config.revision_files import RevisionTampered, RevisionUnreadable
from proxy.list_ages import stale_limits
from proxy.policy_files import NothingApplied, applied_settings
from proxy.private_file import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping

    from categories.meta import IndexMeta, ListSummary

log = logging.getLogger(__name__)

#: Seconds between two looks at what is in force.
_LOOK_SECONDS = 5.0

#: A stale list of the floor is told again after this time.
_AGAIN = timedelta(days=1)

#: What can be wrong with lists and settings; workers and `doctor` say it too. The last three are broken JSON.
_REFUSALS = (
    *(IndexRefused, NothingApplied, RevisionTampered, RevisionUnreadable, SettingsRefused, OSError),
    *(KeyError, TypeError, ValueError),
)


@dataclass(frozen=True, slots=True)
class _InForce:
    generation: str
    meta: IndexMeta
    stale_after: Mapping[str, timedelta]


class ListWatch:
    """Watches the lists of one state_dir."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._seen: tuple[bytes, ...] = ()
        self._in_force: _InForce | None = None
        self._told: dict[str, datetime] = {}
        self._problem = ""

    async def run(self) -> None:
        """Look every few seconds, until cancelled."""
        while True:
            await asyncio.to_thread(self.look, datetime.now(UTC))
            await asyncio.sleep(_LOOK_SECONDS)

    def look(self, now: datetime) -> None:
        """Write down what has changed, and tell what is stale. What cannot be read or written is told, once."""
        try:
            self._write_down()
            self._problem = ""
        except _REFUSALS as error:
            if _words(error) != self._problem:
                self._problem = _words(error)
                log.error("the metrics of the lists are not current: %s", self._problem)
        if self._in_force is not None:
            self._alarm(self._in_force, now)

    def _write_down(self) -> None:
        seen = tuple((self._state_dir / name).read_bytes() for name in ("lists/current", "config/current"))
        if seen == self._seen:
            return
        folder = current(self._state_dir / "lists")
        settings = applied_settings(self._state_dir).settings
        self._in_force = _InForce(folder.name, read_meta(folder), stale_limits(settings))
        write_private(self._state_dir / "run" / "lists.json", json.dumps(_figures(self._in_force)).encode())
        self._seen = seen

    def _alarm(self, in_force: _InForce, now: datetime) -> None:
        for summary in in_force.meta.lists:
            if not (summary.floor and is_stale(summary, in_force.stale_after, now)):
                self._told.pop(summary.name, None)
            elif summary.name not in self._told or now - self._told[summary.name] >= _AGAIN:
                self._told[summary.name] = now
                log.error(_alarm_line(summary, in_force.stale_after[summary.name], now))


def _words(error: Exception) -> str:
    """What is wrong, in the same words each time: a file that is being written has another name each time."""
    if isinstance(error, OSError) and error.filename:
        return f"{Path(error.filename).parent}: {error.strerror}"
    return str(error)


def _alarm_line(summary: ListSummary, limit: timedelta, now: datetime) -> str:
    what = f"list {summary.name} ({', '.join(sorted(summary.floor))}) is stale: {days_old(summary, now)} days old"
    todo = "run: breakwater lists update, and see what keeps it from coming"
    return f"{what}, its limit is {limit.days}; it keeps blocking; {todo}"


def _figures(in_force: _InForce) -> dict[str, Any]:
    """What the collector needs; times as Unix time, ages in seconds."""
    return {
        "generation": in_force.generation,
        "lists": [
            {
                "name": summary.name,
                "date": summary.date.timestamp(),
                "stale_after": limit.total_seconds() if limit is not None else None,
                "floor": bool(summary.floor),
                "entries": dict(summary.counts),
            }
            for summary in in_force.meta.lists
            for limit in (in_force.stale_after.get(summary.name),)
        ],
    }
