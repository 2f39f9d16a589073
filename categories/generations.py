"""Compiled generations on disk: `lists/generations/<id>/`, and `lists/current`, which names the one in force.

The folder of a generation has its index, in `downloads/` the bytes that it was made from, and what it changed.

A generation appears under its name only when it is whole, and is never written again. What a killed process left
behind has a name that begins with a dot, and is removed by the next one to hold the lock.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from categories.errors import IndexRefused, ListRefused, UpdateBusy
from categories.meta import META_FILE, digest_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

#: How many generations are kept, the current one among them.
KEPT = 5

_ID = re.compile(r"[0-9]{6}-[0-9a-f]{16}")
#: What folders of work are called: they are gone when somebody reads what went wrong in them.
UNFINISHED = ".unfinished-"


def current(lists_dir: Path) -> Path:
    """The folder of the generation in force. Raises IndexRefused when there is none."""
    path = lists_dir / "current"
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            name = file.read(100).strip()
    except OSError as problem:
        raise IndexRefused(f"no lists are compiled: cannot read {path}; run: breakwater lists update") from problem
    if not _ID.fullmatch(name):
        raise IndexRefused(f"{path} names no generation; run: breakwater lists update")
    return lists_dir / "generations" / name


def kept(lists_dir: Path) -> list[Path]:
    """The folders of all generations, the newest first."""
    folder = lists_dir / "generations"
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if _ID.fullmatch(path.name)), reverse=True)


def in_force_first(lists_dir: Path) -> list[Path]:
    """The folders of all generations: the one in force, where that can be told, then the newest first."""
    try:
        return [current(lists_dir), *kept(lists_dir)]
    except IndexRefused:
        return kept(lists_dir)


@contextmanager
def locked(lists_dir: Path) -> Iterator[None]:
    """Be the only one to change the lists. Raises UpdateBusy, or ListRefused where the folder cannot be written."""
    try:
        for folder in (lists_dir, lists_dir / "generations"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (lists_dir / ".lock").open("w")
    except OSError as problem:
        raise _cannot_write(lists_dir, problem) from problem
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UpdateBusy(f"another update is at work on {lists_dir}; wait until it has ended") from None
        _remove_unfinished(lists_dir)
        yield


@contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """A new folder inside `folder` for work that may fail; it is removed at the end, whatever happened."""
    path = folder / f"{UNFINISHED}{os.getpid()}"
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _remove_unfinished(lists_dir: Path) -> None:
    for path in (lists_dir / "generations").glob(f"{UNFINISHED}*"):
        shutil.rmtree(path)


def named(lists_dir: Path, built: Path) -> Path:
    """Give a whole index its id: the next number, and its meta.json's digest. It stays in the folder that it is in."""
    newest = kept(lists_dir)
    number = int(newest[0].name[:6]) + 1 if newest else 1
    return built.rename(built.parent / f"{number:06d}-{digest_of((built / META_FILE).read_bytes())}")


def adopt(lists_dir: Path, built: Path) -> Path:
    """Give an index that has its id its place among the generations, not yet in force."""
    folder = lists_dir / "generations" / built.name
    settle(built)
    built.rename(folder)
    _sync(folder.parent)
    return folder


def point_to(lists_dir: Path, folder: Path) -> None:
    """Write the pointer that `publish` will put in its place: what can fail for want of room fails here."""
    fresh = lists_dir / ".current"
    fresh.write_text(f"{folder.name}\n", encoding="ascii")
    _sync(fresh)


def withdraw(lists_dir: Path, folder: Path, origin: Path) -> None:
    """Put a generation that was never in force back to where it was made."""
    (lists_dir / ".current").unlink(missing_ok=True)
    folder.rename(origin)


def publish(lists_dir: Path) -> None:
    """Put the generation in force that `point_to` was called for, in one step."""
    (lists_dir / ".current").replace(lists_dir / "current")
    _sync(lists_dir)


def prune(lists_dir: Path, names: Collection[str]) -> None:
    """Remove every generation but these: older ones, and what a kill left that was never in force."""
    for folder in kept(lists_dir):
        if folder.name not in names:
            shutil.rmtree(folder)


@contextmanager
def switching(lists_dir: Path) -> Iterator[None]:
    """Wait to be the only one that puts lists in force: that takes a moment, where an update is at work for minutes.

    Raises ListRefused where the folder cannot be written.
    """
    try:
        file = (lists_dir / ".switch.lock").open("w")
    except OSError as problem:
        raise _cannot_write(lists_dir, problem) from problem
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _cannot_write(lists_dir: Path, problem: OSError) -> ListRefused:
    return ListRefused(f"cannot write {lists_dir}: {problem.strerror}; check its owner and mode")


def settle(folder: Path) -> None:
    """See a folder to the disk, with all in it, for reading only from now on."""
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o400)
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
