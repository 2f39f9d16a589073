"""Pseudonyms: what stands for a person in everything that is read without an approved case (DESIGN.md, invariant 7).

HMAC-SHA256 of the name under a key of the audit period, so the same person is the same pseudonym within a calendar
month (UTC) and cannot be followed from month to month.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import os
import secrets
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_KEY_BYTES: Final = 32

#: Characters shown: 60 bits, so that two of a district's people never share one.
_SHOWN: Final = 12


class KeyRefused(Exception):
    """A period's key must not be used. The message is one line: what, where, what to do."""


class Pseudonyms:
    """Pseudonyms under the keys in a directory (0700), which are made when first needed.

    Methods raise KeyRefused, and OSError for a key that is there and cannot be read.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._keys: dict[str, bytes] = {}
        self._seen: dict[tuple[str, str], str] = {}

    def of(self, name: str, time: int) -> str:
        """Return the pseudonym of a user for a record's time (Unix time, microseconds)."""
        period = period_of(time)
        shown = self._seen.get((period, name))
        if shown is None:
            shown = self._seen[period, name] = _pseudonym(self._key(period), name)
        return shown

    def _key(self, period: str) -> bytes:
        if period not in self._keys:
            self._keys[period] = _read_or_make(self._directory / f"{period}.key")
        return self._keys[period]


def period_of(time: int) -> str:
    """Return the audit period of a Unix time in microseconds: the calendar month in UTC, "2026-11"."""
    return datetime.fromtimestamp(time // 1_000_000, UTC).strftime("%Y-%m")


def _pseudonym(key: bytes, name: str) -> str:
    digest = hmac.digest(key, name.encode("utf-8", "surrogatepass"), "sha256")
    return base64.b32encode(digest).decode("ascii")[:_SHOWN].lower()


def _read_or_make(path: Path) -> bytes:
    try:
        return _read(path)
    except FileNotFoundError:
        try:
            _make(path)
        except OSError as error:
            why = f"the key of this period cannot be made: {error.strerror}"
            raise KeyRefused(
                f"{path}: {why}: without it nobody is shown, so make room for it, and try again"
            ) from error
        return _read(path)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyRefused(f"{path}: others may read this key: chmod 600, or remove it to begin a new one")
        key = file.read(_KEY_BYTES + 1)
    if len(key) != _KEY_BYTES:
        raise KeyRefused(f"{path}: a key has {_KEY_BYTES} bytes, this file does not: restore it, or remove it")
    return key


def _make(path: Path) -> None:
    """Make a key whole or not at all; where two processes make it at once, the first one's stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    fd = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, path)
    finally:
        unfinished.unlink()
