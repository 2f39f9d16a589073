"""Change the lists: update, compile, put a held change in force, roll back.

Whatever goes wrong (a server, a list, the disk, a kill), the generation in force stays, whole.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from categories.act import Act, Generation, Outcome, Result, silent
from categories.errors import IndexRefused, ListRefused
from categories.floor import check_floor
from categories.gathering import fetch, keep, keep_last, unchanged
from categories.generations import adopt, current, kept, locked, point_to, publish, unfinished, withdraw
from categories.held import drop, held, hold
from categories.history import Kind, append, before, history
from categories.holds import HoldLimits
from categories.index import CategoryIndex
from categories.making import DOWNLOADS, Made, compare, generation_at, in_force, is_in_force, make, net_change
from categories.meta import read_meta
from categories.source_checks import check_sources
from categories.sources import digest_of
from categories.starter import starter_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from categories.change import Change
    from categories.held import Held
    from categories.sources import ListSource

__all__ = [
    "Generation",
    "apply_held",
    "compile_generation",
    "compiled",
    "current",
    "fits",
    "rollback",
    "silent",
    "update",
]

#: What was fetched last, by whatever update: the bytes of a generation are its own.
CACHE = "downloads"

#: Acts for itself, and tells nobody.
NOBODY = Act()
_USUAL = HoldLimits()


def update(sources: Sequence[ListSource], lists_dir: Path, act: Act = NOBODY, limits: HoldLimits = _USUAL) -> Outcome:
    """Download every list that has a url, compile, compare, and put the new generation in force or hold it.

    Raises ListUnreachable, ListRefused (with FloorRefused) or UpdateBusy, or what `act.record` raises; then the old
    generation stays.
    """
    with _at_work(sources, lists_dir) as work:
        downloads = fetch(sources, lists_dir / CACHE, work / DOWNLOADS, act.progress)
        waiting = held(lists_dir)
        if waiting is not None and _still_waits(waiting, sources, lists_dir, work / DOWNLOADS):
            return Outcome(Result.HELD, generation_at(current(lists_dir)), waiting.change, downloads)
        if _nothing_new(sources, lists_dir, work / DOWNLOADS):
            drop(lists_dir)
            return Outcome(Result.UNCHANGED, generation_at(current(lists_dir)), None, downloads)
        generation = make(sources, lists_dir, work, act)
        keep_last(generation.folder / DOWNLOADS, lists_dir / CACHE)
        if is_in_force(generation, lists_dir):
            drop(lists_dir)
            return Outcome(Result.UNCHANGED, generation_at(current(lists_dir)), None, downloads)
        made = compare(generation, lists_dir, act, limits)
        if made.change.holds:
            hold(lists_dir, made.generation.folder)
            return Outcome(Result.HELD, generation_at(current(lists_dir)), made.change, downloads)
        with _put_in_force(lists_dir, made, act, Kind.UPDATE) as applied:
            return Outcome(Result.APPLIED, applied, made.change, downloads)


def compile_generation(sources: Sequence[ListSource], lists_dir: Path, act: Act = NOBODY) -> Generation:
    """Compile the lists as they lie here, and put them in force: their files are a person's. Raises as `update`."""
    with _at_work(sources, lists_dir) as work:
        keep(sources, _downloads(lists_dir), work / DOWNLOADS)
        made = compare(make(sources, lists_dir, work, act), lists_dir, act)
        with _put_in_force(lists_dir, made, act, Kind.COMPILE) as generation:
            return generation


@contextmanager
def compiled(sources: Sequence[ListSource], lists_dir: Path, act: Act = NOBODY) -> Iterator[Generation]:
    """Make the generation that new settings need: only what was never downloaded is downloaded.

    It is not yet in force inside the block; an exception there throws it away. Raises as `update`.
    """
    with _at_work(sources, lists_dir) as work:
        missing = keep(sources, _downloads(lists_dir), work / DOWNLOADS)
        fetch(missing, lists_dir / CACHE, work / DOWNLOADS, act.progress)
        made = compare(make(sources, lists_dir, work, act), lists_dir, act)
        with _put_in_force(lists_dir, made, act, Kind.SETTINGS) as generation:
            yield generation
        keep_last(generation.folder / DOWNLOADS, lists_dir / CACHE)


def apply_held(sources: Sequence[ListSource], lists_dir: Path, act: Act) -> Outcome:
    """Put the change that waits in force: a person has decided.

    Raises ListRefused where none waits, or where what it was compared with is not in force any more.
    """
    with _locked(sources, lists_dir):
        waiting = held(lists_dir)
        if waiting is None:
            raise ListRefused("no change of the lists waits for a decision")
        change, generation = waiting.change, generation_at(waiting.folder)
        _check_fits(sources, waiting.folder, "it is older than the settings in force; run: breakwater lists update")
        if change.base != current(lists_dir).name:
            raise ListRefused(f"{change.generation} was compared with {change.base}; run: breakwater lists update")
        _check_floor(sources, lists_dir, generation)
        with _put_in_force(lists_dir, Made(generation, change), act, Kind.APPLY) as applied:
            return Outcome(Result.APPLIED, applied, change)


def rollback(sources: Sequence[ListSource], lists_dir: Path, act: Act, generation: str | None = None) -> Outcome:
    """Put a kept generation in force again, by default the one before. Raises ListRefused, with FloorRefused."""
    with _locked(sources, lists_dir):
        target = _kept_generation(lists_dir, generation)
        _check_fits(sources, target, "it was made for other settings; run: breakwater config rollback")
        CategoryIndex.open(target).close()
        again = generation_at(target)
        _check_floor(sources, lists_dir, again)
        point_to(lists_dir, target)
        _record(lists_dir, act, Kind.ROLLBACK, again, net_change(generation_at(current(lists_dir)), again, act))
        publish(lists_dir, target)
        drop(lists_dir)
        return Outcome(Result.APPLIED, again)


def fits(index: CategoryIndex, sources: Sequence[ListSource]) -> bool:
    """True when the index was compiled from these very sources: other settings, or a crash, leave one that was not."""
    return index.sources == digest_of((starter_list().source, *sources))


@contextmanager
def _put_in_force(lists_dir: Path, made: Made, act: Act, kind: Kind) -> Iterator[Generation]:
    """Switch to a generation when the block has ended. What fails before that puts it back to where it was made."""
    origin = made.generation.folder
    generation = replace(made.generation, folder=adopt(lists_dir, origin))
    try:
        point_to(lists_dir, generation.folder)
        yield generation
        _record(lists_dir, act, kind, generation, made.change)
    except BaseException:
        withdraw(lists_dir, generation.folder, origin)
        raise
    publish(lists_dir, generation.folder)
    drop(lists_dir)  # it was compared with what is not in force any more


def _record(lists_dir: Path, act: Act, kind: Kind, generation: Generation, change: Change) -> None:
    applied = act.applied(kind, generation)
    act.record(applied, generation, change)
    append(lists_dir, applied)


@contextmanager
def _locked(sources: Sequence[ListSource], lists_dir: Path) -> Iterator[None]:
    check_sources(sources)
    with locked(lists_dir), _writing(lists_dir):
        yield


@contextmanager
def _at_work(sources: Sequence[ListSource], lists_dir: Path) -> Iterator[Path]:
    """A folder for what may fail, with an empty folder of downloads in it."""
    with _locked(sources, lists_dir), unfinished(lists_dir / "generations") as work:
        (work / DOWNLOADS).mkdir(mode=0o700)
        yield work


@contextmanager
def _writing(lists_dir: Path) -> Iterator[None]:
    # Reading the lists has errors of its own; what is left is a full disk, a wrong owner, a lost mount.
    try:
        yield
    except OSError as problem:
        raise ListRefused(f"cannot write {lists_dir}: {problem.strerror or type(problem).__name__}") from problem


def _downloads(lists_dir: Path) -> Path | None:
    """What the generation in force was made from; where that is lost, the newest that is kept."""
    try:
        folders = [current(lists_dir), *kept(lists_dir)]
    except IndexRefused:
        folders = kept(lists_dir)
    return next((folder / DOWNLOADS for folder in folders if (folder / DOWNLOADS).is_dir()), None)


def _nothing_new(sources: Sequence[ListSource], lists_dir: Path, downloads: Path) -> bool:
    try:
        return unchanged(sources, current(lists_dir), downloads)
    except IndexRefused:
        return False


def _still_waits(waiting: Held, sources: Sequence[ListSource], lists_dir: Path, downloads: Path) -> bool:
    return waiting.change.base == current(lists_dir).name and unchanged(sources, waiting.folder, downloads)


def _kept_generation(lists_dir: Path, name: str | None) -> Path:
    """The generation that a person names, by its id or its number; the one before where nobody is named."""
    now = current(lists_dir).name
    folders = {folder.name: folder for folder in kept(lists_dir) if folder.name != now}
    wanted = name or before(history(lists_dir), now) or ""
    found = [folder for id_, folder in folders.items() if wanted and wanted.zfill(6) in (id_, id_[:6])]
    if len(found) != 1:
        there = ", ".join(sorted(folders)) or "no other one"
        raise ListRefused(f"no generation {wanted or 'before this one'} is kept beside {now}; there is {there}")
    return found[0]


def _check_fits(sources: Sequence[ListSource], folder: Path, otherwise: str) -> None:
    if read_meta(folder).sources != digest_of((starter_list().source, *sources)):
        raise ListRefused(f"generation {folder.name}: {otherwise}")


def _check_floor(sources: Sequence[ListSource], lists_dir: Path, generation: Generation) -> None:
    with in_force(lists_dir) as now:
        check_floor(sources, generation.lists, now.counts if now else {})
