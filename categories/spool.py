"""Parse lists into rows on disk: the key of every entry and who has it. Memory does not grow with the lists.

A file is read here, and its blocks are parsed by a pool. Classes have their numbers beforehand, so what comes out does
not depend on which process took which block.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING

from categories.blocks import blocks, one_piece
from categories.declared import check_whole
from categories.digests import file_digest
from categories.entries import Covers
from categories.errors import ListRefused
from categories.expression_index import Expression
from categories.expressions import EXPRESSIONS_CAP
from categories.floor import refusing_floor
from categories.formats.entry import ParsedEntry, ParsedExpression, RejectedLine
from categories.keys import entry_key
from categories.meta import EntryClass, ListSummary
from categories.plain_names import take_plain
from categories.rows import LINE_BITS, Rows, shard_of
from categories.streams import Room, damage_refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from categories.blocks import Block
    from categories.formats.entry import OpenedList, ParsedLine, Part
    from categories.pool import Pool
    from categories.sources import ListSource

#: A list is refused with more than HANDFUL rejected lines that are over 1 % of its lines, with any where nothing is an
#: entry (a server's word that there is no list), and at the caps at once.
HANDFUL = 5
REJECTED_CAP = 100_000
LINES_CAP = 50_000_000
#: How many rejected lines are shown, by file, line and reason.
EXAMPLES = 5
#: How much of a file that is parsed in one piece is in memory at once, in lines.
_STEP = 10_000

#: Told what is at work, how much of it is done, and of how much (None: nobody knows yet).
type Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class ListAtHand:
    """A list whose bytes are here: `at` is its file or folder. `made` (UTC) is None where their own time holds.

    `digest` is that of the file before it was opened, where it was taken: its owner may write it anew at any time.
    """

    source: ListSource
    at: Path
    opened: OpenedList
    made: datetime | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class _PartAtHand:
    """A file of a list, and where its rows go. `classes` is the number of its first class, one for each of Covers."""

    part: Part
    classes: int
    withheld: bool
    folder: Path


@dataclass(slots=True)
class Tally:
    """What came of some lines: rows by number of class, lines that are no entries, and the first of those."""

    rows: Counter[int] = field(default_factory=Counter)
    rejected: int = 0
    unsupported: int = 0
    examples: list[str] = field(default_factory=list)
    expressions: list[Expression] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """How many lines that is, as far as each gave one thing."""
        return self.rows.total() + self.rejected + self.unsupported

    def add(self, later: Tally) -> None:
        """Take in what came of the lines that follow."""
        self.rows += later.rows
        self.rejected += later.rejected
        self.unsupported += later.unsupported
        self.examples += later.examples[: EXAMPLES - len(self.examples)]
        self.expressions += later.expressions


@dataclass(slots=True)
class Spool:
    """Writes the rows of lists into `folder`, and numbers their classes. `rows` counts entries by class."""

    folder: Path
    pool: Pool
    progress: Progress
    classes: list[EntryClass] = field(default_factory=list)
    rows: Counter[int] = field(default_factory=Counter)
    expressions: list[Expression] = field(default_factory=list)
    lists: list[ListSummary] = field(default_factory=list)

    def add(self, item: ListAtHand) -> None:
        """Parse a whole list. Raises ListRefused when it is damaged, or when too many lines are no entries."""
        tally = Tally()
        with refusing_floor(item.source):
            version = version_of(item)  # before a line is read: what is written meanwhile is of the next one
            for later in _in_turn(self._parsed(item), 2 * self.pool.processes):
                tally.add(later)
                self.progress(item.source.name, tally.lines, None)
                _check_caps(item.source, tally)
            allowed = max(HANDFUL, (tally.lines - tally.unsupported) // 100) if tally.rows.total() else 0
            if tally.rejected > allowed:
                raise _too_many_rejected(item.source, tally)
            if item.source.checksum is None and all(part.path == item.at for part in item.opened.parts):
                check_whole(item.source.name, item.at, tally.lines)
        self.rows += tally.rows
        self.expressions += tally.expressions
        self.lists.append(_summary(item, tally, version))

    def _parsed(self, item: ListAtHand) -> Iterator[Callable[[], Tally]]:
        bounds = _Bounds(item.source)
        for part in item.opened.parts:
            file = _PartAtHand(part, len(self.classes), item.source.withheld, self.folder)
            self.classes += [
                EntryClass(len(self.lists), part.file, part.category, covers, part.white) for covers in Covers
            ]
            name = f"list {item.source.name}" if file.withheld else f"list {item.source.name}: {part.file}"
            if part.in_one_piece:
                numbered = bounds.counted(one_piece(part.path, name, bounds.room))
                for parsed in batched(part.parse(numbered), _STEP):
                    yield partial(_spooled, file, parsed)
            else:
                for block in blocks(part.path, name, room=bounds.room):
                    bounds.count(block.data.count(b"\n") + 1)
                    yield self.pool.submit(spool_block, file, block).result


@dataclass(slots=True)
class _Bounds:
    """What all files of a list may have together, whatever their lines say: blank ones take time as well."""

    source: ListSource
    room: Room = field(default_factory=Room)
    lines: int = 0

    def count(self, lines: int) -> None:
        self.lines += lines
        if self.lines > LINES_CAP:
            raise ListRefused(f"list {self.source.name}: has more than {LINES_CAP} lines")

    def counted(self, numbered: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        for each in numbered:
            self.count(1)
            yield each


def _in_turn(work: Iterable[Callable[[], Tally]], ahead: int) -> Iterator[Tally]:
    """What comes of each, in order, while up to `ahead` more are at work."""
    waiting: deque[Callable[[], Tally]] = deque()
    for each in work:
        waiting.append(each)
        if len(waiting) > ahead:
            yield waiting.popleft()()
    for each in waiting:
        yield each()


def spool_block(file: _PartAtHand, block: Block) -> Tally:
    """Parse a block and write its rows; runs in a process of the pool."""
    covers = file.part.plain
    if covers is None:
        return _spooled(file, file.part.parse(block.lines))
    rows, number = Rows(), file.classes + list(Covers).index(covers)
    taken, left = take_plain(block, covers, number << LINE_BITS, rows)
    tally = _spooled(file, file.part.parse(left), rows)
    tally.rows[number] += taken
    return tally


def _spooled(file: _PartAtHand, parsed_lines: Iterable[ParsedLine], rows: Rows | None = None) -> Tally:
    """Write what was parsed, with the rows that are there already."""
    tally, rows = Tally(), rows or Rows()
    first = {covers: (file.classes + number) << LINE_BITS for number, covers in enumerate(Covers)}
    seen: dict[Covers, int] = dict.fromkeys(Covers, 0)
    keys, postings = rows.keys, rows.postings
    for parsed in parsed_lines:
        if isinstance(parsed, ParsedEntry):
            line, host, covers, target = parsed
            shard = shard_of(host)
            keys[shard].append(entry_key(host, covers, target))
            postings[shard].append(first[covers] | line)
            seen[covers] += 1
        elif isinstance(parsed, ParsedExpression):
            number = first[Covers.EXPRESSION] >> LINE_BITS
            tally.expressions.append(Expression(number, parsed.line, parsed.text))
            seen[Covers.EXPRESSION] += 1
        elif isinstance(parsed, RejectedLine):
            tally.rejected += 1
            if len(tally.examples) < EXAMPLES and not file.withheld:
                tally.examples.append(f"{file.part.file}:{parsed.line}: {parsed.reason}")
        else:
            tally.unsupported += 1
    rows.write(file.folder)
    tally.rows.update({file.classes + number: seen[covers] for number, covers in enumerate(Covers)})
    return tally


def _check_caps(source: ListSource, tally: Tally) -> None:
    if tally.rejected > REJECTED_CAP:
        raise _too_many_rejected(source, tally)
    if len(tally.expressions) > EXPRESSIONS_CAP:
        raise ListRefused(f"list {source.name}: has more than {EXPRESSIONS_CAP} expressions")


def _too_many_rejected(source: ListSource, tally: Tally) -> ListRefused:
    example = f", as {tally.examples[0]}" if tally.examples else ""
    count = f"{tally.rejected} of {tally.lines - tally.unsupported} lines are no entries"
    return ListRefused(f"list {source.name}: {count}{example}; check its format and where it comes from")


def _summary(item: ListAtHand, tally: Tally, version: tuple[datetime, str]) -> ListSummary:
    date, digest = version
    return ListSummary(
        name=item.source.name,
        format=item.source.format,
        date=date,
        digest=digest,
        entries=tally.rows.total(),
        white=0,
        rejected=tally.rejected,
        unsupported=tally.unsupported,
        counts={},
        examples=tuple(tally.examples),
        notes=item.opened.notes,
    )


def version_of(item: ListAtHand) -> tuple[datetime, str]:
    """When the list was made (the time of its file, of its newest part for a tree) and its digest."""
    paths = [item.at] if item.at.is_file() else [part.path for part in item.opened.parts]
    with damage_refused(item.at, f"list {item.source.name}"):
        for path in paths:
            if not path.is_file() and path.exists():  # a pipe would be waited for
                raise ListRefused(f"list {item.source.name}: {path} is no regular file")
        newest = max((path.stat().st_mtime for path in paths), default=0.0)
        digests = [item.digest] if item.digest else [file_digest(path) for path in paths]
    digest = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    return item.made or datetime.fromtimestamp(int(newest), UTC), digest
