"""The bytes of every list, in one folder, before anything is made of them: downloaded, or as they were last time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from categories.digests import file_digest
from categories.download_state import share, state_file, state_of
from categories.errors import IndexRefused, ListRefused, ListUnreachable
from categories.floor import refusing_floor
from categories.formats import FORMATS
from categories.meta import read_meta
from categories.source_checks import check_checksum, check_private
from categories.spool import ListAtHand, version_of
from categories.starter import STARTER, digest_with_starter, starter_list
from categories.streams import damage_refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from categories.errors import ListsRefused
    from categories.sources import ListSource
    from categories.spool import Progress


@dataclass(frozen=True, slots=True)
class Fetched:
    """One line for each list that came, and what kept the others from coming."""

    said: tuple[str, ...]
    failed: tuple[tuple[ListSource, ListsRefused], ...]


def fetch(sources: Sequence[ListSource], cache: Path, downloads: Path, progress: Progress) -> Fetched:
    """Download every list that has a url into `downloads`, unless it is the one in `cache`."""
    from categories.download import download  # with an HTTP client, that other commands need not wait for

    cache.mkdir(mode=0o700, exist_ok=True)
    said, failed = [], []
    for source in sources:
        if source.url is None:
            continue
        try:
            with refusing_floor(source):
                said.append(download(source, downloads / source.name, cache, progress))
        except (ListUnreachable, ListRefused) as problem:
            failed.append((source, problem))
    return Fetched(tuple(said), tuple(failed))


def keep_last(downloads: Path, cache: Path) -> None:
    """Keep what could be compiled, held or not: a server is not asked twice for the same bytes."""
    cache.mkdir(mode=0o700, exist_ok=True)
    for path in downloads.iterdir():
        fresh = cache / f".{path.name}"
        fresh.unlink(missing_ok=True)
        share(path, fresh)
        fresh.replace(cache / path.name)
    listed = {path.name.partition(".")[0] for path in downloads.iterdir()}  # no list's name has a dot
    for path in cache.iterdir():
        if path.name.removeprefix(".").partition(".")[0] not in listed:  # of a list that left the settings
            path.unlink()


def keep(sources: Sequence[ListSource], before: Path | None, downloads: Path) -> list[ListSource]:
    """Take over what was downloaded before for these sources; give those that have to be downloaded."""
    missing = []
    for source in sources:
        state = state_of(before / source.name, source.url) if before and source.url else None
        if before and state and source.wants(state.digest):
            for path in (before / source.name, state_file(before / source.name)):
                share(path, downloads / path.name)
        elif source.url is not None:
            missing.append(source)
    return missing


def at_hand(sources: Sequence[ListSource], downloads: Path, scratch: Path) -> Iterator[ListAtHand]:
    """Open every list. Raises ListRefused for one that is not here, or not what its settings say."""
    for source in sources:
        with refusing_floor(source):
            at = place_of(source, downloads)
            if source.path is None and not at.exists():
                raise ListRefused(f"list {source.name}: was never downloaded; run: breakwater lists update")
            if source.withheld:
                check_private(source, at)
            check_checksum(source, at)
            with damage_refused(at, f"list {source.name}"):
                digest = file_digest(at) if at.is_file() else None
            own = scratch / source.name
            own.mkdir(mode=0o700)
            opened = FORMATS[source.format](source, at, own)
        yield ListAtHand(source, at, opened, digest=digest)


def place_of(source: ListSource, downloads: Path) -> Path:
    """Where a list's bytes lie: its own file or folder, or what was downloaded."""
    return source.path.resolve() if source.path is not None else downloads / source.name


def unchanged(sources: Sequence[ListSource], generation: Path, downloads: Path) -> bool:
    """True when a generation was made from these very sources and bytes, and our own lists are still what they were.

    A tree that lies here counts as changed: only reading it would tell.
    """
    try:
        meta = read_meta(generation)
    except IndexRefused:
        return False
    known = {summary.name: summary.digest for summary in meta.lists}
    starter = starter_list()
    same = meta.sources == digest_with_starter(sources) and known.get(STARTER) == version_of(starter)[1]
    return same and all(
        place.is_file() and file_digest(place) == known.get(source.name)
        for source, place in ((source, place_of(source, downloads)) for source in sources)
    )
