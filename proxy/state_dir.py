"""What the commands need of a state_dir: its settings in force, its lists, its snapshot."""

from __future__ import annotations

import getpass
import os
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from categories.errors import IndexRefused
from categories.generations import current
from categories.index import CategoryIndex
from categories.reports import findings
from categories.sources import ListSource
from categories.update import compiled, fits
from config.load import state_dir_of
from config.problems import SettingsRefused
from config.revisions import Revisions, RevisionTampered, settings_in_force
from proxy.policy_files import applied_settings, policy_of
from proxy.status import read_statuses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from categories.act import Act, Generation
    from config.revisions import Around
    from config.settings import Settings
    from proxy.snapshot import PolicySnapshot
    from proxy.status import WorkerStatus

#: How long an apply, or new lists, wait to see every worker switch, in seconds: they look once a second.
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
    return folder, settings_in_force(config, Revisions(folder).current())


def revision_of(folder: Path) -> int:
    """Give the number of the settings in force; 0 where none are, or none that can be read."""
    try:
        applied = Revisions(folder).current()
    except (RevisionTampered, SettingsRefused):
        return 0
    return applied.revision if applied else 0


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
            expressions=each.expressions,
        )
        for each in settings.lists
    )


def compile_for(folder: Path, settings: Settings, act: Act) -> Generation:
    """Make the generation that these settings need: compile what is here, download what is not, and put it in force.

    Raises what categories.update raises; then the generation in force stays.
    """
    with compiled(list_sources(settings), folder / "lists", act) as generation:
        return generation


def lists_fit(folder: Path, settings: Settings) -> bool:
    """True where a generation is in force that can be read and was made from the lists of these settings."""
    try:
        with closing(open_index(folder)) as index:
            return fits(index, list_sources(settings))
    except IndexRefused:
        return False


def with_lists(folder: Path, act: Act, say: Callable[[str], None]) -> Around:
    """What goes around an apply: the generation that the new settings need, unless it is in force already.

    It is compiled before the revision is written, so a list that is refused refuses the apply, and put in force right
    after. A crash between the two leaves settings whose lists do not fit: workers then keep what they have where a
    list of the floor is missing, and the next start or the same apply again compiles.
    """

    @contextmanager
    def around(settings: Settings) -> Iterator[None]:
        if lists_fit(folder, settings):
            yield
            return
        with compiled(list_sources(settings), folder / "lists", act) as generation:
            yield
        say_findings(generation, say)

    return around


def settings_before(folder: Path) -> Settings | None:
    """Give the settings in force, to compare with; None where none are, or none that can be used.

    Applying is the way out of a revision that was changed by hand or that today's rules refuse.
    """
    try:
        applied = Revisions(folder).current()
    except (RevisionTampered, SettingsRefused):
        return None
    return applied.settings if applied else None


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


def revision_in_force_line(folder: Path, revision: int) -> str:
    """Wait for every worker to go by a revision and by the lists in force, and say how many do."""
    lists = current(folder / "lists").name

    def goes_by(status: WorkerStatus) -> bool:
        return (status.revision, status.generation) == (revision, lists)

    return _in_force_line(folder, f"revision {revision}", goes_by)


def generation_in_force_line(folder: Path, generation: str) -> str:
    """Wait for every worker to go by a generation of the lists, and say how many do."""
    return _in_force_line(folder, f"generation {generation}", lambda status: status.generation == generation)


def _in_force_line(folder: Path, what: str, goes_by: Callable[[WorkerStatus], bool]) -> str:
    path = folder / "run" / "status.json"
    deadline = time.monotonic() + _SWITCH_SECONDS
    while True:
        statuses = [status for status in read_statuses(path) if _alive(status.pid)]
        switched = [status for status in statuses if goes_by(status)]
        if len(switched) == len(statuses) or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    if not statuses:
        return f"{what} applied; breakwater does not run here, so it takes effect at the next start"
    problems = {status.problem for status in statuses if status.problem}
    return "; ".join([f"{what} is in force on {len(switched)} of {len(statuses)} workers", *problems])


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
