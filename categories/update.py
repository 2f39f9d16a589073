"""Make a new generation of the lists and put it in force, or leave everything as it was.

Whatever goes wrong (a server, a list, the disk, a kill), the generation in force stays, whole.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from categories.compile import compile_index
from categories.download import download
from categories.errors import IndexRefused, ListRefused
from categories.floor import check_floor, refusing_floor
from categories.formats import FORMATS
from categories.generations import adopt, current, kept, locked, point_to, publish, unfinished, withdraw
from categories.index import CategoryIndex
from categories.meta import read_meta
from categories.source_checks import check_checksum, check_private, check_sources
from categories.sources import digest_of
from categories.spool import ListAtHand
from categories.starter import starter_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from categories.meta import ListSummary
    from categories.sources import ListSource
    from categories.spool import Progress

__all__ = ["Generation", "compile_generation", "compiled", "current", "fits", "silent", "update", "updated"]


@dataclass(frozen=True, slots=True)
class Generation:
    """A compiled generation: its id, its folder, when it was built (UTC) and what is in it."""

    id: str
    folder: Path
    built: datetime
    lists: tuple[ListSummary, ...]
    counts: Mapping[str, Mapping[str, int]]  # entries that block, by category, then by list
    downloads: tuple[str, ...] = ()  # one line for each list that was fetched for it, or had not changed

    @property
    def exit_code(self) -> int:
        """1 when a person should look at rejected lines or notes, else 0."""
        return 1 if any(summary.rejected or summary.notes for summary in self.lists) else 0


def silent(what: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


def update(sources: Sequence[ListSource], lists_dir: Path, progress: Progress = silent) -> Generation:
    """Download every list that has a url, compile, and put the new generation in force.

    Raises ListUnreachable, ListRefused (with FloorRefused) or UpdateBusy; then the old generation stays.
    """
    with updated(sources, lists_dir, progress) as generation:
        return generation


def compile_generation(sources: Sequence[ListSource], lists_dir: Path, progress: Progress = silent) -> Generation:
    """Compile the lists as they were last downloaded, and put the new generation in force. Raises as `update` does."""
    with compiled(sources, lists_dir, progress) as generation:
        return generation


@contextmanager
def updated(sources: Sequence[ListSource], lists_dir: Path, progress: Progress = silent) -> Iterator[Generation]:
    """`update`, with the new generation not yet in force inside the block; an exception in it throws it away."""
    check_sources(sources)
    with locked(lists_dir), _writing(lists_dir), unfinished(lists_dir / "downloads") as fresh:
        downloads = tuple(_downloads(sources, lists_dir / "downloads", fresh, progress))
        with _compiled(sources, lists_dir, fresh, progress) as generation:
            yield replace(generation, downloads=downloads)
        for path in fresh.iterdir():
            path.replace(lists_dir / "downloads" / path.name)


def _downloads(sources: Sequence[ListSource], kept: Path, fresh: Path, progress: Progress) -> Iterator[str]:
    """Fetch every list that has a url into `fresh`, and say of each how it came."""
    for source in sources:
        if source.url is not None:
            with refusing_floor(source):
                yield download(source, fresh / source.name, kept, progress)


@contextmanager
def compiled(sources: Sequence[ListSource], lists_dir: Path, progress: Progress = silent) -> Iterator[Generation]:
    """`compile_generation`, with the new generation not yet in force inside the block, as in `updated`."""
    check_sources(sources)
    with (
        locked(lists_dir),
        _writing(lists_dir),
        _compiled(sources, lists_dir, lists_dir / "downloads", progress) as generation,
    ):
        yield generation


@contextmanager
def _compiled(
    sources: Sequence[ListSource], lists_dir: Path, downloads: Path, progress: Progress
) -> Iterator[Generation]:
    previous = _previous_counts(lists_dir)
    with unfinished(lists_dir / "generations") as work:
        built = work / "index"
        built.mkdir(mode=0o700)
        meta = compile_index([starter_list(), *_at_hand(sources, downloads, work)], built, progress)
        check_floor(sources, meta.lists, previous)
        folder = adopt(lists_dir, built)
    try:
        CategoryIndex.open(folder).close()
        point_to(lists_dir, folder)
        yield Generation(folder.name, folder, meta.built, meta.lists, meta.counts)
    except BaseException:
        withdraw(lists_dir, folder)
        raise
    publish(lists_dir, folder)


def fits(index: CategoryIndex, sources: Sequence[ListSource]) -> bool:
    """True when the index was compiled from these very sources: other settings, or a crash, leave one that was not."""
    return index.sources == digest_of((starter_list().source, *sources))


def _at_hand(sources: Sequence[ListSource], downloads: Path, work: Path) -> Iterator[ListAtHand]:
    for source in sources:
        with refusing_floor(source):
            at = source.path.resolve() if source.path is not None else downloads / source.name
            if source.path is None and not at.exists():
                raise ListRefused(f"list {source.name}: was never downloaded; run: breakwater lists update")
            if source.withheld:
                check_private(source, at)
            check_checksum(source, at)
            scratch = work / source.name
            scratch.mkdir(mode=0o700)
            opened = FORMATS[source.format](source, at, scratch)
        yield ListAtHand(source, at, opened)


def _previous_counts(lists_dir: Path) -> Mapping[str, Mapping[str, int]]:
    """Entries in force, or of the newest generation that can still be read: what the floor must not shrink from."""
    try:
        in_force = [current(lists_dir)]
    except IndexRefused:
        in_force = []
    for folder in in_force + kept(lists_dir):
        try:
            return read_meta(folder).counts
        except IndexRefused:
            continue
    return {}


@contextmanager
def _writing(lists_dir: Path) -> Iterator[None]:
    # Reading the lists has errors of its own; what is left is a full disk, a wrong owner, a lost mount.
    try:
        yield
    except OSError as problem:
        raise ListRefused(f"cannot write {lists_dir}: {problem.strerror or type(problem).__name__}") from problem
