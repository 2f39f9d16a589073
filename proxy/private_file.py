"""Files that hold secrets: readable by their owner alone, replaced whole, never followed through a link.

Knows nothing of what is in them.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class NotPrivate(Exception):
    """The file may not be trusted with a secret. The message is one line: what is wrong, where, what to do."""


def read_private(path: Path, cap: int) -> bytes:
    """Read a file of at most `cap` bytes that only its owner may touch.

    Raises FileNotFoundError, NotPrivate, or another OSError as the system gives it. The mode is that of the opened
    file, so nobody can swap it between the check and the reading.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if path.is_symlink():
            raise NotPrivate(f"{path} is a symbolic link; put the file itself there") from error
        raise
    try:
        _refuse_shared(path, os.fstat(descriptor), cap)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(cap + 1)
    finally:
        os.close(descriptor)
    if len(content) > cap:
        raise NotPrivate(f"{path} is larger than {cap} bytes; restore it from a backup")
    return content


def write_private(path: Path, content: bytes) -> None:
    """Replace a file with mode 0600 in one step: a reader, or a crash, sees the old or the new one, never a part."""
    temporary = _temporary(path, content)
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def create_private(path: Path, content: bytes) -> None:
    """Create a file with mode 0600 whole; raises FileExistsError when somebody else was first."""
    temporary = _temporary(path, content)
    try:
        os.link(temporary, path)
    finally:
        temporary.unlink()
    _sync_folder(path.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file of `path`: one writer at a time, across processes. Released by the system on a crash."""
    lock = path.with_name(path.name + ".lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def private_folder(folder: Path) -> None:
    """Make the folder with mode 0700, or check that the one there is its owner's alone. Raises NotPrivate, OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & _OTHERS:
        raise NotPrivate(f"{folder} is open to other users; run: chmod 700 {folder}")


def _refuse_shared(path: Path, status: os.stat_result, cap: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotPrivate(f"{path} is not a regular file; move it away")
    if status.st_mode & _OTHERS:
        raise NotPrivate(f"{path} is open to other users (mode {status.st_mode & 0o777:04o}); run: chmod 600 {path}")
    if status.st_uid not in (os.geteuid(), 0):
        raise NotPrivate(f"{path} belongs to another user (uid {status.st_uid}); run: chown {os.geteuid()} {path}")
    if status.st_size > cap:
        raise NotPrivate(f"{path} is larger than {cap} bytes; restore it from a backup")


def _temporary(path: Path, content: bytes) -> Path:
    """A finished, synced file of mode 0600 beside `path`."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
