"""What a list's settings must be before any of its bytes are read."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from categories.digests import file_digest
from categories.errors import ListRefused
from categories.formats import FORMATS
from categories.sources import LIST_NAME, LIST_NAME_RULE
from categories.starter import STARTER
from categories.streams import damage_refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from categories.sources import ListSource


def check_sources(sources: Sequence[ListSource]) -> None:
    """Raise ListRefused for the first source that says too little, too much, or the name of another."""
    seen = {STARTER}
    for source in sources:
        problem = _problem(source, seen)
        if problem:
            raise ListRefused(f"list {source.name[:64]!a}: {problem}")
        seen.add(source.name)


def _problem(source: ListSource, seen: set[str]) -> str | None:
    if not LIST_NAME.fullmatch(source.name):
        return LIST_NAME_RULE
    if source.name in seen:
        return "the name is taken"
    if source.format not in FORMATS:
        return f"format {source.format[:40]!a} is unknown; there are {', '.join(FORMATS)}"
    if source.expressions and source.format != "ut1":
        return f"expressions is for ut1, not for {source.format}"
    if (source.url is None) == (source.path is None):
        return "give either url or path"
    if source.withheld and source.url is not None:
        return "child-abuse comes from a licensed local file: give path, not url"
    if source.withheld and source.white:
        return "nothing of a child-abuse list is white: what it excepts would be shown; take white out"
    return None


def check_private(source: ListSource, at: Path) -> None:
    """Raise ListRefused when a file of a list whose hosts are never shown can be read by group or others."""
    with damage_refused(at, f"list {source.name}"):
        for path in (at, *at.rglob("*")):
            if stat.S_IMODE(path.lstat().st_mode) & 0o077 and not path.is_symlink():
                raise ListRefused(f"list {source.name}: {path} can be read by others; run: chmod go= {path}")


def check_checksum(source: ListSource, at: Path) -> None:
    """Raise ListRefused when a list's file is not the one whose checksum the settings give."""
    if source.checksum is None:
        return
    with damage_refused(at, f"list {source.name}"):
        if not stat.S_ISREG(at.stat().st_mode):  # a pipe would be waited for
            raise ListRefused(f"list {source.name}: {at} is no regular file, and a checksum is of one; remove it")
        digest = file_digest(at)
    if not source.wants(digest):
        raise ListRefused(f"list {source.name}: its checksum is not the one in the settings; found sha256:{digest}")
