"""Parse lists into one spool file on disk: class, line and key of every entry. Memory does not grow with the lists."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from categories.errors import ListRefused
from categories.floor import refusing_floor
from categories.formats.entry import ParsedEntry, RejectedLine
from categories.keys import entry_key
from categories.meta import EntryClass, ListSummary
from categories.streams import damage_refused, lines, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TextIO

    from categories.entries import Covers
    from categories.formats.entry import OpenedList, ParsedLine, Part
    from categories.sources import ListSource

#: A list is refused with more than HANDFUL rejected lines that are over 1 % of its lines, and at the caps at once.
HANDFUL = 5
REJECTED_CAP = 100_000
LINES_CAP = 50_000_000
#: How many rejected lines are shown, by file, line and reason.
EXAMPLES = 5
_STEP = 50_000

#: Told what is at work, how much of it is done, and of how much (None: nobody knows yet).
type Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class ListAtHand:
    """A list whose bytes are here: `at` is its file or folder. `made` (UTC) is None where their own time holds."""

    source: ListSource
    at: Path
    opened: OpenedList
    made: datetime | None = None


@dataclass(slots=True)
class _Tally:
    entries: int = 0
    rejected: int = 0
    unsupported: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def lines(self) -> int:
        return self.entries + self.rejected + self.unsupported


@dataclass(slots=True)
class Spool:
    """Writes entries, and numbers their classes in the order they come."""

    file: TextIO
    progress: Progress
    classes: dict[EntryClass, int] = field(default_factory=dict)
    lists: list[ListSummary] = field(default_factory=list)

    def add(self, item: ListAtHand) -> None:
        """Parse a whole list. Raises ListRefused when it is damaged, or when too many lines are no entries."""
        tally = _Tally()
        with refusing_floor(item.source):
            for part in item.opened.parts:
                self._add_part(item.source, part, tally)
            if tally.rejected > max(HANDFUL, (tally.entries + tally.rejected) // 100):
                raise _too_many_rejected(item.source, tally)
        self.lists.append(_summary(item, tally))

    def _add_part(self, source: ListSource, part: Part, tally: _Tally) -> None:
        name = f"list {source.name}: {part.file}" if not source.withheld else f"list {source.name}"
        with unpacked(part.path, name) as stream:
            classes: dict[Covers, int] = {}
            for parsed in part.parse(lines(stream)):
                if isinstance(parsed, ParsedEntry):
                    number = classes.get(parsed.covers)
                    if number is None:
                        number = classes[parsed.covers] = self._class(part, parsed.covers)
                    key = entry_key(parsed.host, parsed.covers, parsed.target)
                    self.file.write(f"{number}\t{parsed.line}\t{key}\n")
                    tally.entries += 1
                else:
                    _count(parsed, part, source, tally)
                if tally.lines % _STEP == 0:
                    self.progress(source.name, tally.lines, None)
                    _check_caps(source, tally)
        self.progress(source.name, tally.lines, None)

    def _class(self, part: Part, covers: Covers) -> int:
        entry_class = EntryClass(len(self.lists), part.file, part.category, covers, part.white)
        return self.classes.setdefault(entry_class, len(self.classes))


def rows(path: Path) -> Iterator[tuple[int, int, str]]:
    """Class, line and key of every entry in a spool file."""
    with path.open(encoding="ascii") as spool:
        for row in spool:
            number, line, key = row.rstrip("\n").split("\t")
            yield int(number), int(line), key


def _count(parsed: ParsedLine, part: Part, source: ListSource, tally: _Tally) -> None:
    if not isinstance(parsed, RejectedLine):
        tally.unsupported += 1
        return
    tally.rejected += 1
    if len(tally.examples) < EXAMPLES and not source.withheld:
        tally.examples.append(f"{part.file}:{parsed.line}: {parsed.reason}")


def _check_caps(source: ListSource, tally: _Tally) -> None:
    if tally.rejected > REJECTED_CAP:
        raise _too_many_rejected(source, tally)
    if tally.lines > LINES_CAP:
        raise ListRefused(f"list {source.name}: has more than {LINES_CAP} lines")


def _too_many_rejected(source: ListSource, tally: _Tally) -> ListRefused:
    example = f", as {tally.examples[0]}" if tally.examples else ""
    count = f"{tally.rejected} of {tally.entries + tally.rejected} lines are no entries"
    return ListRefused(f"list {source.name}: {count}{example}; check its format and where it comes from")


def _summary(item: ListAtHand, tally: _Tally) -> ListSummary:
    date, digest = _version(item)
    return ListSummary(
        name=item.source.name,
        format=item.source.format,
        date=date,
        digest=digest,
        entries=tally.entries,
        white=0,
        rejected=tally.rejected,
        unsupported=tally.unsupported,
        counts={},
        examples=tuple(tally.examples),
        notes=item.opened.notes,
    )


def _version(item: ListAtHand) -> tuple[datetime, str]:
    """When the list was made (the time of its file, of its newest part for a tree) and its digest."""
    paths = [item.at] if item.at.is_file() else [part.path for part in item.opened.parts]
    with damage_refused(item.at, f"list {item.source.name}"):
        newest = max((path.stat().st_mtime for path in paths), default=0.0)
        digests = [file_digest(path) for path in paths]
    digest = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    return item.made or datetime.fromtimestamp(int(newest), UTC), digest


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
