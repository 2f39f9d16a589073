"""The time of day at which a running filter fetches its lists, in a process that takes what the workers leave."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from categories.attempts import Attempt, last_attempt
from categories.errors import IndexRefused
from categories.generations import current
from categories.meta import read_meta
from proxy.policy_files import applied_settings

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

#: What could not be fetched is asked for again after this time.
RETRY = timedelta(hours=1)

NEVER = "never"

#: How often the time is looked at, and how long a process may take to end, in seconds.
_LOOK_SECONDS = 30.0
_END_SECONDS = 10.0


def is_due(now: datetime, at: str, built: datetime, attempt: Attempt | None) -> bool:
    """True when the time of day `at` has come since the lists were last asked for, or an hour after that failed.

    `now` is the district's wall clock. `built`, when the lists in force were made, counts until there is an attempt:
    `compile` and `config apply` make lists too, and ask nobody for newer ones.
    """
    if at == NEVER:
        return False
    if attempt is not None and attempt.failed:
        return now - attempt.at >= RETRY
    last = attempt.at if attempt is not None else built
    return last < _last_time(now, time.fromisoformat(at))


def _last_time(now: datetime, at: time) -> datetime:
    """When the wall clock last showed `at`. Times that summer time skips are an hour later."""
    today = datetime.combine(now.date(), at, now.tzinfo)
    return today if today <= now else datetime.combine(now.date() - timedelta(days=1), at, now.tzinfo)


class ListSchedule:
    """Runs `breakwater lists scheduled` when it is due, one at a time, until it is cancelled."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        #: The last process that left no note of its own: it was killed, found no room, or another was at work.
        self._unnoted: Attempt | None = None

    async def run(self) -> None:
        """Look at the clock twice a minute. What goes wrong is told, once an hour, and never ends the schedule."""
        while True:
            wait = _LOOK_SECONDS
            try:
                if await asyncio.to_thread(_due, self._state_dir, self._unnoted):
                    await self._update()
            except Exception as error:
                log.error("the lists are not kept current: %s: %s", type(error).__name__, error)
                wait = RETRY.total_seconds()
            await asyncio.sleep(wait)

    async def _update(self) -> None:
        started = datetime.now(UTC)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "breakwater", "lists", "scheduled", "--state-dir", str(self._state_dir)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # a terminal's ctrl-C is for the supervisor, which drains
        )
        try:
            code = await process.wait()
        finally:
            await _end(process)
        noted = await asyncio.to_thread(last_attempt, self._state_dir / "lists")
        if noted is None or noted.at < started:
            self._unnoted = Attempt(datetime.now(UTC), failed=True, says="")
        if code not in (0, 1):  # 1: held, or rejected lines
            log.error("the lists were not updated (exit code %d); what is in force stays", code)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
            return
    process.kill()


def _due(state_dir: Path, unnoted: Attempt | None) -> bool:
    settings = applied_settings(state_dir).settings
    if not any(source.url for source in settings.lists):
        return False
    now = datetime.now(ZoneInfo(settings.district.timezone))
    lists_dir = state_dir / "lists"
    attempts = [attempt for attempt in (last_attempt(lists_dir), unnoted) if attempt is not None]
    last = max(attempts, key=lambda attempt: attempt.at, default=None)
    return is_due(now, settings.list_updates.at, _built(lists_dir), last)


def _built(lists_dir: Path) -> datetime:
    try:
        return read_meta(current(lists_dir)).built
    except IndexRefused:  # workers keep what they have; the next update mends it
        return datetime.min.replace(tzinfo=UTC)
