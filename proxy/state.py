"""What the commands need of a state_dir: its settings in force, its lists, its snapshot."""

from __future__ import annotations

import getpass
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from categories.errors import IndexRefused
from categories.generations import current
from categories.index import CategoryIndex
from categories.reports import findings
from categories.sources import ListSource
from categories.update import Generation, compile_generation, silent, update
from config.load import load, state_dir_of
from config.revisions import Revisions
from proxy.policy_files import applied_settings, policy_of
from proxy.status import read_statuses

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from categories.spool import Progress
    from config.settings import Settings
    from proxy.snapshot import PolicySnapshot

#: How long an apply waits to see every worker switch, in seconds: they look once a second.
_SWITCH_SECONDS = 5.0


class StateUnusable(Exception):
    """The state_dir cannot be made or written. The message is one line."""

    exit_code = 4


def state_folder(config: Path) -> Path:
    """Give the state_dir that a settings file names, made and private (0700).

    Raises StateUnusable, or SettingsRefused.
    """
    folder = state_dir_of(config)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "run").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StateUnusable(f"state_dir: cannot use {folder}: {error.strerror}; check its owner and mode") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StateUnusable(f"state_dir: cannot write {folder}: check its owner and mode")
    return folder


def author() -> str:
    """Name the account at this machine that puts something into force; behind sudo, the person's."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def settings_for_commands(config: Path) -> tuple[Path, Settings]:
    """Give the state_dir and the settings in force; before the first apply, those of the file."""
    folder = state_folder(config)
    applied = Revisions(folder).current()
    return folder, applied.settings if applied else load(config)


def list_sources(settings: Settings) -> tuple[ListSource, ...]:
    """Give the subscribed lists in the form that `categories` takes: it reads no settings."""
    return tuple(
        ListSource(
            name=each.name,
            format=each.format,
            url=each.url,
            path=each.path,
            map=each.map,
            category=each.category,
            white={folder: approval.owner for folder, approval in each.white.items()},
            checksum=f"sha256:{each.checksum}" if each.checksum else None,
        )
        for each in settings.lists
    )


def compile_for(folder: Path, settings: Settings, progress: Progress = silent) -> Generation:
    """Make the generation that these settings need: compile what is here, download what never was.

    Raises what categories.update raises; then the generation in force stays.
    """
    sources = list_sources(settings)
    missing = [each for each in sources if each.url and not (folder / "lists" / "downloads" / each.name).exists()]
    make = update if missing else compile_generation
    return make(sources, folder / "lists", progress)


def has_generation(folder: Path) -> bool:
    """True where lists are compiled that can be read."""
    try:
        open_index(folder).close()
    except IndexRefused:
        return False
    return True


def open_index(folder: Path) -> CategoryIndex:
    """Open the lists in force. Raises IndexRefused."""
    return CategoryIndex.open(current(folder / "lists"))


def open_snapshot(folder: Path) -> PolicySnapshot:
    """Build the very snapshot that the workers use. Raises what its parts raise."""
    return policy_of(applied_settings(folder), open_index(folder), datetime.now(UTC))


def say_findings(generation: Generation, say: Callable[[str], None]) -> None:
    """Say how many entries there are, and which lines were rejected."""
    entries = sum(summary.entries for summary in generation.lists)
    say(f"generation {generation.id}: {entries:,} entries from {len(generation.lists)} lists")
    for line in findings(generation.lists):
        say(line)


def in_force_line(folder: Path, revision: int) -> str:
    """Wait for every worker to switch to a revision, for five seconds, and say how many did."""
    path = folder / "run" / "status.json"
    deadline = time.monotonic() + _SWITCH_SECONDS
    while True:
        statuses = [status for status in read_statuses(path) if _alive(status.pid)]
        switched = [status for status in statuses if status.revision == revision]
        if len(switched) == len(statuses) or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    if not statuses:
        return f"revision {revision} applied; breakwater does not run here, so it takes effect at the next start"
    problems = {status.problem for status in statuses if status.problem}
    return "; ".join([f"revision {revision} is in force on {len(switched)} of {len(statuses)} workers", *problems])


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
