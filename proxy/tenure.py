"""The lock that one supervisor has on its state_dir, and who holds it: what an upgrade hands on, and asks for.

`run/supervisor.lock` holds {"pid": ..., "refused": ...} of the supervisor in charge; `refused` counts the upgrades that
came to nothing, so that `breakwater upgrade` knows of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME = "run/supervisor.lock"
_READ = 4096

#: Who looks takes the lock for an instant (`in_charge`): so long is it asked for again, in seconds.
_TAKEN_SECONDS = 0.5


class AlreadyRunning(Exception):
    """Another supervisor holds this state_dir. The message is one line."""


@dataclass(frozen=True, slots=True)
class InCharge:
    """The supervisor that is ready and holds the lock."""

    pid: int
    refused: int = 0


class Tenure:
    """The lock, held as long as its descriptor is open in this process or in one that inherited it."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._said = InCharge(0)

    def begin(self) -> None:
        """Say that this process is in charge from now on."""
        self._say(InCharge(os.getpid()))

    def refused(self) -> None:
        """Say that an upgrade came to nothing."""
        self._say(InCharge(os.getpid(), self._said.refused + 1))

    def _say(self, said: InCharge) -> None:
        self._said = said
        text = json.dumps(asdict(said)).encode()
        os.pwrite(self.fd, text.ljust(64), 0)  # one write of one length: who reads meanwhile reads the one or the other


@contextlib.contextmanager
def sole(state_dir: Path, inherited: int | None = None) -> Iterator[Tenure]:
    """Hold the lock that one supervisor has on its state_dir, or hold on to it where it was inherited.

    Raises AlreadyRunning.
    """
    path = state_dir / _NAME
    fd = inherited if inherited is not None else os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if inherited is None and not _locked_soon(fd):
            raise AlreadyRunning(f"{state_dir}: another breakwater runs on this state_dir; stop it first")
        if inherited is not None and not (path.exists() and path.samefile(f"/proc/self/fd/{fd}")):
            raise AlreadyRunning(f"{state_dir}: the running breakwater has another state_dir; stop it, then start")
        yield Tenure(fd)
    finally:
        os.close(fd)


def in_charge(state_dir: Path) -> InCharge | None:
    """Say who holds the lock; None where nobody does, or whoever does is not ready yet."""
    try:
        fd = os.open(state_dir / _NAME, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return None if _locked(fd, fcntl.LOCK_SH) else _read(fd)
    finally:
        os.close(fd)


def _read(fd: int) -> InCharge | None:
    try:
        told = json.loads(os.pread(fd, _READ, 0))
        return InCharge(int(told["pid"]), int(told["refused"]))
    except (ValueError, KeyError, TypeError):
        return None


def _locked_soon(fd: int) -> bool:
    deadline = time.monotonic() + _TAKEN_SECONDS
    while not (locked := _locked(fd)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return locked


def _locked(fd: int, how: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
