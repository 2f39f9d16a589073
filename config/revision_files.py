"""The files of the revisions: written so that a crash, a full disk or a second writer leaves the old state.

Layout, below state_dir/config (0700): `revisions/000001.yaml` (the district's file, byte for byte, 0600),
`revisions/000001.json` (author, reason, time, digest, base, source), and `current`, which holds the number in force.
Renaming `current` is the one step that counts: files with a higher number are leftovers of a crash, and the next
revision takes their place. Every digest covers the text, the rest of the entry and the digest before it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time as clock
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_WAY_OUT = "apply the district's file again"
_LOCK_SECONDS = 10.0
_ABOUT_CAP = 64 * 1024
_TEXT_CAP = 2 * 1024 * 1024
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


class RevisionTampered(Exception):
    """A revision is not as it was written. Nobody may filter by it; the way out is `config apply`."""


class RevisionNotWritten(Exception):
    """The disk or another process kept a revision from being written. The message says what is in force."""


class RevisionUnreadable(Exception):
    """The revisions cannot be read from the disk, by this account at least."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is recorded about one revision. `text` is the file as it was applied, `base` the folder it stood in."""

    revision: int
    author: str
    reason: str
    time: datetime  # UTC
    base: Path
    source: str  # the file's path, or "revision 3" for a roll-back
    text: str
    previous: str  # digest of the revision before, "" for the first or where that one was not whole
    digest: str = ""

    def sealed(self) -> Entry:
        """The entry with its digest."""
        return replace(self, digest=digest_of(self))


def digest_of(entry: Entry) -> str:
    """SHA-256 over everything an entry says."""
    whole = json.dumps([*_about(entry).items(), entry.text], ensure_ascii=True)
    return hashlib.sha256(whole.encode("ascii")).hexdigest()


def _about(entry: Entry) -> dict[str, Any]:
    return {
        "revision": entry.revision,
        "author": entry.author,
        "reason": entry.reason,
        "time": entry.time.astimezone(UTC).isoformat(),
        "base": str(entry.base),
        "source": entry.source,
        "previous": entry.previous,
    }


class RevisionFiles:
    """The folder state_dir/config."""

    def __init__(self, state_dir: Path) -> None:
        self.folder = state_dir / "config"
        self._current = self.folder / "current"

    def number(self) -> int:
        """The number in force, 0 for none.

        Raises RevisionTampered when `current` is broken or was removed, RevisionUnreadable.
        """
        try:
            text = _read(self._current, 64).decode("ascii", "replace").strip()
        except FileNotFoundError:
            if self.highest() > 1:  # a crash in the very first apply leaves a number 1 that was never in force
                raise RevisionTampered(f"{self._current} is gone; {_WAY_OUT}") from None
            return 0
        if not _NUMBER.fullmatch(text) or not self._stem(int(text)).with_suffix(".json").exists():
            raise RevisionTampered(f"{self._current} names no revision that is there; {_WAY_OUT}")
        return int(text)

    def highest(self) -> int:
        """The highest number that has files, in force or left over; 0 for none."""
        names = (path.stem for path in (self.folder / "revisions").glob("*.json"))
        return max((int(name) for name in names if name.isdecimal() and name.isascii()), default=0)

    def read(self, revision: int) -> Entry:
        """A revision as it was written. Raises RevisionTampered when it is not, RevisionUnreadable."""
        stem = self._stem(revision)
        try:
            about = _read(stem.with_suffix(".json"), _ABOUT_CAP)
            text = _read(stem.with_suffix(".yaml"), _TEXT_CAP)
            entry = _entry(json.loads(about), text.decode("utf-8"))
            whole = entry.revision == revision and entry.digest == digest_of(entry)
        except FileNotFoundError as error:
            raise RevisionTampered(f"{error.filename} is gone; {_WAY_OUT}") from None
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            raise RevisionTampered(f"{stem}: changed by hand, it cannot be read any more; {_WAY_OUT}") from None
        if not whole:
            raise RevisionTampered(f"{stem}: changed by hand, its digest does not match; {_WAY_OUT}")
        return entry

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers out. Raises RevisionNotWritten when one does not finish, or nothing can be written."""
        try:
            self.folder.parent.parent.mkdir(parents=True, exist_ok=True)
            for folder in (self.folder.parent, self.folder, self.folder / "revisions"):
                folder.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _not_written(error, self.folder) from error
        try:
            _wait_for(lock, self.folder)
            yield
        finally:
            os.close(lock)

    def write(self, entry: Entry) -> None:
        """Write a revision, then put it in force. Call inside `locked`. Raises RevisionNotWritten."""
        stem = self._stem(entry.revision)
        about = {**_about(entry), "digest": entry.digest}
        try:
            _replace(stem.with_suffix(".yaml"), entry.text.encode("utf-8"))
            _replace(stem.with_suffix(".json"), json.dumps(about, indent=2).encode("ascii"))
            _sync(stem.parent)
            _replace(self._current, f"{entry.revision}\n".encode("ascii"))
        except OSError as error:
            raise _not_written(error, self.folder) from error
        try:
            _sync(self.folder)
        except OSError as error:
            why = f"{self.folder}: {error.strerror}; revision {entry.revision} is in force, but a power cut may undo it"
            raise RevisionNotWritten(why) from error

    def _stem(self, revision: int) -> Path:
        return self.folder / "revisions" / f"{revision:06d}"


def _not_written(error: OSError, folder: Path) -> RevisionNotWritten:
    return RevisionNotWritten(f"{error.filename or folder}: {error.strerror}; nothing was changed")


def _entry(about: dict[str, Any], text: str) -> Entry:
    words = {key: about[key] for key in ("author", "reason", "source", "previous", "digest")}
    if not all(isinstance(word, str) for word in words.values()):
        raise TypeError("not text")
    time = datetime.fromisoformat(about["time"])
    return Entry(revision=int(about["revision"]), time=time, base=Path(about["base"]), text=text, **words)


def _read(path: Path, cap: int) -> bytes:
    """At most `cap` bytes. FileNotFoundError is left to the caller, to whom it means something."""
    try:
        with path.open("rb") as file:
            return file.read(cap)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RevisionUnreadable(f"{path}: {error.strerror}; run as the account that runs the filter") from error


def _wait_for(lock: int, folder: Path) -> None:
    until = clock.monotonic() + _LOCK_SECONDS
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock.monotonic() > until:
                raise RevisionNotWritten(f"{folder}: another apply is under way; try again") from None
            clock.sleep(0.02)


def _replace(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, mode 0600; its bytes are on the disk before the name points to them."""
    draft = path.with_name(f".{path.name}.new")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(handle, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
