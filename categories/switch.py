"""Put a generation in force, one process at a time: recorded first, then done, then the one step that workers see."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from categories.act import Outcome, Result
from categories.errors import IndexRefused, ListRefused
from categories.floor import check_floor
from categories.generations import KEPT, adopt, current, kept, point_to, prune, publish, switching, withdraw
from categories.held import drop, held
from categories.history import Kind, append, before, history, last_in_force
from categories.index import CategoryIndex
from categories.making import Made, generation_at, in_force, net_change
from categories.meta import read_meta
from categories.source_checks import check_sources
from categories.starter import digest_with_starter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from categories.act import Act, Generation
    from categories.history import Applied
    from categories.sources import ListSource


def apply_held(sources: Sequence[ListSource], lists_dir: Path, act: Act, generation: str) -> Outcome:
    """Put the change that waits in force: a person has decided, on the generation that is named.

    Raises ListRefused where another or none waits, or where what it was compared with is not in force any more.
    """
    check_sources(sources)
    with writing(lists_dir), switching(lists_dir):
        waiting = held(lists_dir)
        if waiting is None:
            raise ListRefused("no change of the lists waits for a decision")
        if waiting.change.generation != generation:
            raise ListRefused(f"what waits is {waiting.change.generation}; look at it: breakwater lists diff")
        made = Made(generation_at(waiting.folder), waiting.change)
        _check(
            sources, lists_dir, made.generation, "it is older than the settings in force; run: breakwater lists update"
        )
        with _switched(lists_dir, made, act, Kind.APPLY) as applied:
            return Outcome(Result.APPLIED, applied, made.change)


def rollback(sources: Sequence[ListSource], lists_dir: Path, act: Act, generation: str | None = None) -> Outcome:
    """Put a kept generation in force again, by default the one before; an update that is at work is not waited for.

    Raises ListRefused, with FloorRefused.
    """
    check_sources(sources)
    current(lists_dir)
    with writing(lists_dir), switching(lists_dir):
        again = generation_at(_kept_generation(lists_dir, generation))
        _check(sources, lists_dir, again, f"it was made for other settings; {_fitting(sources, lists_dir)}")
        point_to(lists_dir, again.folder)
        applied = act.applied(Kind.ROLLBACK, again)
        act.record(applied, again, net_change(_now(lists_dir), again, act))
        _publish(lists_dir, applied)
        return Outcome(Result.APPLIED, again)


@contextmanager
def put_in_force(lists_dir: Path, made: Made, act: Act, kind: Kind) -> Iterator[Generation]:
    """Switch to a generation when the block has ended. What fails before that puts it back to where it was made.

    Raises ListRefused where what it was compared with is not in force any more, or what `act.record` raises.
    """
    with switching(lists_dir), _switched(lists_dir, made, act, kind) as generation:
        yield generation


@contextmanager
def _switched(lists_dir: Path, made: Made, act: Act, kind: Kind) -> Iterator[Generation]:
    with in_force(lists_dir) as now:
        if made.change.base != (now.generation if now else None):
            raise ListRefused(f"{made.generation.id}: other lists have come into force since it was made; run it again")
    origin = made.generation.folder
    generation = replace(made.generation, folder=adopt(lists_dir, origin))
    try:
        point_to(lists_dir, generation.folder)
        applied = act.applied(kind, generation)
        act.record(applied, generation, made.change)
        yield generation
    except BaseException:
        withdraw(lists_dir, generation.folder, origin)
        raise
    _publish(lists_dir, applied)


def _publish(lists_dir: Path, applied: Applied) -> None:
    append(lists_dir, applied)
    publish(lists_dir)
    drop(lists_dir)  # it was compared with what is not in force any more
    prune(lists_dir, last_in_force(history(lists_dir), KEPT))


def _check(sources: Sequence[ListSource], lists_dir: Path, generation: Generation, otherwise: str) -> None:
    """Raise ListRefused for lists of other settings, damaged ones, and a floor that is too small (invariant 1)."""
    if read_meta(generation.folder).sources != digest_with_starter(sources):
        raise ListRefused(f"generation {generation.id}: {otherwise}")
    CategoryIndex.open(generation.folder).close()
    with in_force(lists_dir) as now:
        check_floor(sources, generation.lists, now.counts if now else {})


def _now(lists_dir: Path) -> Generation | None:
    """What is in force; None where it is damaged: then most of all there has to be a way back."""
    try:
        return generation_at(current(lists_dir))
    except IndexRefused:
        return None


def _fitting(sources: Sequence[ListSource], lists_dir: Path) -> str:
    """Which of the kept ones a person can name instead."""
    wanted, fitting = digest_with_starter(sources), []
    for folder in kept(lists_dir):
        with suppress(IndexRefused):
            if read_meta(folder).sources == wanted and folder != current(lists_dir):
                fitting.append(folder.name)
    return f"for these there is {', '.join(fitting)}" if fitting else "for these there is no other one"


def _kept_generation(lists_dir: Path, name: str | None) -> Path:
    """The generation that a person names, by its id or its number; the one before where nobody is named."""
    now, past = current(lists_dir).name, history(lists_dir)
    were = {applied.generation for applied in past} - {now}
    folders = {folder.name: folder for folder in kept(lists_dir) if folder.name in were}
    wanted = name or before(past) or ""
    found = [folder for id_, folder in folders.items() if wanted and wanted.zfill(6) in (id_, id_[:6])]
    if len(found) != 1:
        there = ", ".join(sorted(folders)) or "no other one"
        raise ListRefused(f"no generation {wanted or 'before this one'} is kept beside {now}; there is {there}")
    return found[0]


@contextmanager
def writing(lists_dir: Path) -> Iterator[None]:
    """Turn what a disk raises into ListRefused: reading the lists has errors of its own."""
    try:
        yield
    except OSError as problem:  # full, of another owner, gone
        raise ListRefused(f"{_place(problem, lists_dir)}: {problem.strerror or type(problem).__name__}") from problem


def _place(problem: OSError, lists_dir: Path) -> str:
    """What failed, as far as the disk says: it may be the log's file, or none that a person can name."""
    if problem.filename is None:
        return f"an act on {lists_dir} failed"
    path = Path(str(problem.filename))
    return f"cannot write {lists_dir}" if path.is_relative_to(lists_dir) else f"cannot use {path}"
