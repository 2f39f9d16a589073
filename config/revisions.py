"""Settings take effect by an act (invariant 9): apply, history, roll back. How they are stored: revision_files.py."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from config.load import folder_of, load, loads, read_file
from config.problems import Problem, SettingsRefused, one_line
from config.revision_files import Entry, RevisionFiles, RevisionNotWritten, RevisionTampered, RevisionUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from config.settings import Settings

__all__ = [
    "Applied",
    "Around",
    "Past",
    "RevisionNotWritten",
    "RevisionRefused",
    "RevisionTampered",
    "RevisionUnreadable",
    "Revisions",
    "words",
]

_WORDS_CAP = 500

#: What is made before settings are written, and put in force after: see `Revisions.apply`.
type Around = Callable[[Settings], AbstractContextManager[object]]


class RevisionRefused(Exception):
    """What was asked for is not allowed: no reason, no such revision, another state folder. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Applied:
    """Settings that were put in force by somebody, for a reason. `text` is the file, `base` its folder."""

    revision: int
    settings: Settings
    text: str
    author: str
    reason: str
    time: datetime  # UTC
    digest: str
    base: Path
    source: str


@dataclass(frozen=True, slots=True)
class Past:
    """One line of the history. `entry` is None where the revision is not as it was written; `trouble` says why."""

    revision: int
    in_force: bool
    entry: Entry | None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class _Draft:
    """What somebody wants in force: a file's text, its folder, where it comes from, and who wants it."""

    text: str
    base: Path
    source: str
    author: str


def _nothing(settings: Settings) -> AbstractContextManager[object]:
    """Nothing has to be made before these settings are in force."""
    return nullcontext()


class Revisions:
    """The applied settings below one state folder."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._files = RevisionFiles(state_dir)

    def current(self) -> Applied | None:
        """What is in force, or None before the first apply.

        Its dates are judged as on the day it was applied, so that a machine with a dead clock battery still starts.
        Raises RevisionTampered, SettingsRefused (today's rules are stricter than those then),
        RevisionUnreadable.
        """
        number = self._files.number()
        if not number:
            return None
        entry = self._files.read(number)
        return _applied(entry, loads(entry.text, f"revision {number}", entry.base, entry.time.date()))

    def apply(self, path: Path, author: str, reason: str, now: datetime, around: Around = _nothing) -> Applied:
        """Check a file and put it in force. The file that is in force already stays the revision it is.

        `around` is entered with the checked settings before anything is written: what it raises there refuses.
        Raises SettingsRefused, RevisionRefused, RevisionNotWritten.
        """
        draft = _Draft(_text(path), folder_of(path), str(path.absolute()), words(author, "an author"))
        return self._put(draft, reason, now, around)

    def rollback(self, revision: int, author: str, reason: str, now: datetime, around: Around = _nothing) -> Applied:
        """Put an old text in force again, as a new revision, if today's rules allow it. `around` as in `apply`.

        Raises RevisionRefused, RevisionTampered, SettingsRefused, RevisionNotWritten.
        """
        in_force = self._files.number()
        if not 0 < revision <= in_force:
            raise RevisionRefused(f"there is no revision {revision}; the last one is {in_force}")
        old = self._files.read(revision)
        draft = _Draft(old.text, old.base, f"revision {revision}", words(author, "an author"))
        return self._put(draft, reason, now, around)

    def history(self) -> list[Past]:
        """Every revision, oldest first; one that was changed or removed since says so. Raises RevisionTampered."""
        last = self._files.number()
        past: list[Past] = []
        previous: str | None = ""  # None where the revision before is not whole, so that its digest is not known
        for number in range(1, last + 1):
            line = self._past(number, previous, number == last)
            previous = line.entry.digest if line.entry else None
            past.append(line)
        return past

    def differs(self, path: Path) -> bool:
        """True when the file is not the one in force: an edit that nobody applied, or a file that is gone.

        Raises RevisionTampered, RevisionUnreadable.
        """
        number = self._files.number()
        if not number:
            return True
        entry = self._files.read(number)
        try:
            return read_file(path) != entry.text.encode("utf-8") or folder_of(path) != entry.base
        except SettingsRefused:
            return True

    def _past(self, number: int, previous: str | None, in_force: bool) -> Past:
        try:
            entry = self._files.read(number)
        except RevisionTampered as tampered:
            return Past(number, in_force, None, str(tampered))
        if previous is not None and entry.previous != previous:
            return Past(number, in_force, entry, "does not continue the revision before it")
        return Past(number, in_force, entry)

    def _put(self, draft: _Draft, reason: str, now: datetime, around: Around) -> Applied:
        reason = words(reason, "a reason")
        settings = loads(draft.text, draft.source, draft.base, now.date())
        if settings.state_dir.resolve() != self._state_dir.resolve():
            why = f"state_dir is {settings.state_dir}, but these are the revisions of {self._state_dir}; start with it"
            raise RevisionRefused(why)
        with self._files.locked(), around(settings):
            last, number = self._next()
            if last is not None and (last.text, last.base) == (draft.text, draft.base):
                return _applied(last, settings)
            entry = Entry(
                revision=number,
                author=draft.author,
                reason=reason,
                time=now.astimezone(UTC),
                base=draft.base,
                source=draft.source,
                text=draft.text,
                previous=last.digest if last else "",
            ).sealed()
            self._files.write(entry)
        return _applied(entry, settings)

    def _next(self) -> tuple[Entry | None, int]:
        """The revision in force and the number after it.

        A revision that was tampered with counts as none, and its number is not used again: applying is the way out.
        """
        try:
            number = self._files.number()
        except RevisionTampered:
            return None, self._files.highest() + 1
        try:
            return (self._files.read(number) if number else None), number + 1
        except RevisionTampered:
            return None, number + 1


def _applied(entry: Entry, settings: Settings) -> Applied:
    return Applied(
        revision=entry.revision,
        settings=settings,
        text=entry.text,
        author=entry.author,
        reason=entry.reason,
        time=entry.time,
        digest=entry.digest,
        base=entry.base,
        source=entry.source,
    )


def _text(path: Path) -> str:
    data = read_file(path)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsRefused((Problem(str(path), line, "", "not UTF-8; save the file as UTF-8"),)) from None


def words(text: str, what: str) -> str:
    """What somebody gave as `what` ("a reason"), on one line, with signs that a terminal acts upon written out.

    Raises RevisionRefused where that says nothing, or is longer than 500 characters.
    """
    found = one_line(" ".join(text.split()))
    if not found:
        raise RevisionRefused(f"{what} is needed: --reason TEXT says why, for the auditor")
    if len(found) > _WORDS_CAP:
        raise RevisionRefused(f"{what} is longer than {_WORDS_CAP} characters")
    return found


def settings_in_force(config: Path, applied: Applied | None) -> Settings:
    """What was applied; before the first apply, the file. Raises SettingsRefused."""
    return load(config) if applied is None else applied.settings
