"""Lists that say of some names "do not block": rpz ("rpz-passthru."), adblock ("@@||example.com^").

A stranger's exception opens a site that the district blocks for another reason, so it counts as unsupported until the
settings name the list's exceptions, with an owner. Then they are white entries, as those of a white list of UT1 are:
never over the floor, malware, phishing, bypass and p2p.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from categories.address import MalformedAddress
from categories.errors import ListRefused
from categories.formats.entry import OpenedList, ParsedEntry, Part, RejectedLine, UnsupportedLine
from categories.sources import EXCEPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from categories.formats.entry import LineParser, NumberedLines, ParsedLine
    from categories.sources import ListSource


@dataclass(frozen=True, slots=True)
class ExceptedLine(UnsupportedLine):
    """A line that makes an exception, and what it is where the list's exceptions are taken."""

    parsed: ParsedLine


def excepted(line: int, entry: Callable[[], ParsedEntry]) -> ExceptedLine:
    """A line that makes an exception of `entry`, which raises MalformedAddress for a line to reject."""
    try:
        return ExceptedLine(line, entry())
    except MalformedAddress as problem:
        return ExceptedLine(line, RejectedLine(line, str(problem)))


def open_list(
    parse: LineParser, source: ListSource, at: Path, scratch: Path, *, in_one_piece: bool = False
) -> OpenedList:
    """One file with entries and exceptions, which are left out where the settings do not name them."""
    if source.category is None:
        raise ListRefused(f"list {source.name}: category is missing; a list of format {source.format} has just one")
    if set(source.white) - {EXCEPTIONS}:
        raise ListRefused(f"list {source.name}: white has one name for a list of format {source.format}: {EXCEPTIONS}")
    if EXCEPTIONS not in source.white:
        return OpenedList((Part(source.name, at, source.category, parse, in_one_piece=in_one_piece),))
    if not source.white[EXCEPTIONS].strip():
        raise ListRefused(f"list {source.name}: white has no owner for its exceptions; name who answers for them")
    black = Part(source.name, at, source.category, partial(_without_exceptions, parse), in_one_piece=in_one_piece)
    white = replace(black, category=EXCEPTIONS, parse=partial(_exceptions_alone, parse), white=True)
    return OpenedList((black, white))


def _without_exceptions(parse: LineParser, numbered_lines: NumberedLines) -> Iterator[ParsedLine]:
    return (parsed for parsed in parse(numbered_lines) if not isinstance(parsed, ExceptedLine))


def _exceptions_alone(parse: LineParser, numbered_lines: NumberedLines) -> Iterator[ParsedLine]:
    return (parsed.parsed for parsed in parse(numbered_lines) if isinstance(parsed, ExceptedLine))
