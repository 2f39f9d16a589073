"""Make other lists: by an update, a compile, new settings. What is there already is switched to in categories.switch.

Whatever goes wrong (a server, a list, the disk, a kill), the generation in force stays, whole.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from categories.act import Act, Generation, Outcome, Result, no_verdicts, silent
from categories.errors import IndexRefused, ListRefused
from categories.gathering import fetch, keep, keep_last, unchanged
from categories.generations import current, in_force_first, locked, switching, unfinished
from categories.held import drop, held, hold
from categories.history import Kind
from categories.holds import HoldLimits
from categories.making import DOWNLOADS, compare, generation_at, is_in_force, make
from categories.source_checks import check_sources
from categories.starter import digest_with_starter
from categories.switch import put_in_force, writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from categories.gathering import Fetched
    from categories.held import Held
    from categories.index import CategoryIndex
    from categories.sources import ListSource

__all__ = ["Generation", "compile_generation", "compiled", "current", "fits", "silent", "update"]

#: What was fetched last, by whatever update: the bytes of a generation are its own.
CACHE = "downloads"

#: Acts for itself, and tells nobody.
NOBODY = Act()
_USUAL = HoldLimits()


def update(sources: Sequence[ListSource], lists_dir: Path, act: Act = NOBODY, limits: HoldLimits = _USUAL) -> Outcome:
    """Download every list that has a url, compile, compare, and put the new generation in force or hold it.

    A list that cannot be had stays as it is, and is told in `failed`. Raises ListUnreachable, ListRefused (with
    FloorRefused) or UpdateBusy, or what `act.record` raises; then the old generation stays.
    """
    with _at_work(sources, lists_dir) as work:
        fetched = fetch(sources, lists_dir / CACHE, work / DOWNLOADS, act.progress)
        _keep_failed(fetched, lists_dir, work / DOWNLOADS)
        outcome = _outcome(sources, lists_dir, work, act, limits)
    return replace(outcome, downloads=fetched.said, failed=tuple(problem for _, problem in fetched.failed))


def _keep_failed(fetched: Fetched, lists_dir: Path, downloads: Path) -> None:
    """Leave lists that could not be had as they are: a dead server of one must not keep the others from coming.

    Raises what is wrong with the first one, where there is nothing to leave, or where nothing at all has come.
    """
    missing = keep([source for source, _ in fetched.failed], _downloads(lists_dir), downloads)
    for source, problem in fetched.failed:
        if source in missing or not fetched.said:
            raise problem


def _outcome(sources: Sequence[ListSource], lists_dir: Path, work: Path, act: Act, limits: HoldLimits) -> Outcome:
    waiting = _waiting(sources, lists_dir, work / DOWNLOADS)
    if waiting is not None:
        return Outcome(Result.HELD, generation_at(current(lists_dir)), waiting.change)
    if _nothing_new(sources, lists_dir, work / DOWNLOADS):
        return _unchanged(lists_dir)
    generation = make(sources, lists_dir, work, act)
    keep_last(generation.folder / DOWNLOADS, lists_dir / CACHE)
    if is_in_force(generation, lists_dir):
        return _unchanged(lists_dir)
    made = compare(generation, lists_dir, act, limits)
    if made.change.holds:
        with switching(lists_dir):
            hold(lists_dir, made.generation.folder)
        return Outcome(Result.HELD, generation_at(current(lists_dir)), made.change)
    with put_in_force(lists_dir, made, act, Kind.UPDATE) as applied:
        return Outcome(Result.APPLIED, applied, made.change)


def _unchanged(lists_dir: Path) -> Outcome:
    with switching(lists_dir):
        drop(lists_dir)  # what waits is not what the servers say any more
    return Outcome(Result.UNCHANGED, generation_at(current(lists_dir)))


def compile_generation(sources: Sequence[ListSource], lists_dir: Path, act: Act = NOBODY) -> Generation:
    """Compile the lists as they lie here, and put them in force: their files are a person's. Raises as `update`."""
    with _at_work(sources, lists_dir) as work:
        keep(sources, _downloads(lists_dir), work / DOWNLOADS)
        made = compare(make(sources, lists_dir, work, act), lists_dir, act)
        with put_in_force(lists_dir, made, act, Kind.COMPILE) as generation:
            return generation


@contextmanager
def compiled(sources: Sequence[ListSource], lists_dir: Path, act: Act = NOBODY) -> Iterator[Generation]:
    """Make the generation that new settings need: only what was never downloaded is downloaded.

    It is not yet in force inside the block; an exception there throws it away. Raises as `update`.
    """
    with _at_work(sources, lists_dir) as work:
        missing = keep(sources, _downloads(lists_dir), work / DOWNLOADS)
        for _, problem in fetch(missing, lists_dir / CACHE, work / DOWNLOADS, act.progress).failed:
            raise problem
        # Verdicts by the settings in force would be of the wrong rules, and those in the making are not known here.
        made = compare(make(sources, lists_dir, work, act), lists_dir, replace(act, verdicts=no_verdicts))
        with put_in_force(lists_dir, made, act, Kind.SETTINGS) as generation:
            yield generation
        keep_last(generation.folder / DOWNLOADS, lists_dir / CACHE)


def fits(index: CategoryIndex, sources: Sequence[ListSource]) -> bool:
    """True when the index was compiled from these very sources: other settings, or a crash, leave one that was not."""
    return index.sources == digest_with_starter(sources)


@contextmanager
def _at_work(sources: Sequence[ListSource], lists_dir: Path) -> Iterator[Path]:
    """A folder for what may fail, with an empty folder of downloads in it."""
    check_sources(sources)
    with locked(lists_dir), writing(lists_dir), unfinished(lists_dir / "generations") as work:
        (work / DOWNLOADS).mkdir(mode=0o700)
        yield work


def _downloads(lists_dir: Path) -> Path | None:
    """What the generation in force was made from; where that is lost, the newest that is kept."""
    folders = in_force_first(lists_dir)
    return next((folder / DOWNLOADS for folder in folders if (folder / DOWNLOADS).is_dir()), None)


def _nothing_new(sources: Sequence[ListSource], lists_dir: Path, downloads: Path) -> bool:
    try:
        return unchanged(sources, current(lists_dir), downloads)
    except IndexRefused:
        return False


def _waiting(sources: Sequence[ListSource], lists_dir: Path, downloads: Path) -> Held | None:
    """The change that waits, where the servers still say the same and it is still compared with what is in force."""
    try:
        waiting, now = held(lists_dir), current(lists_dir).name
    except (IndexRefused, ListRefused):  # damaged, or of another version: this update makes another
        return None
    if waiting is None or waiting.change.base != now or not unchanged(sources, waiting.folder, downloads):
        return None
    return waiting
