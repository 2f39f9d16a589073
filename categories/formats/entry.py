"""What a parser gives for one line of a list, and what every format does with a line before it looks at it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from categories.address import MalformedAddress, canonical_host, literal
from categories.entries import Covers
from categories.streams import LINE_CAP
from categories.suffixes import is_registry_suffix, may_be_registry_suffix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from categories.sources import ListSource


class ParsedEntry(NamedTuple):
    """One entry. `target` is the beginning of path and query for Covers.PREFIX, else empty. Host canonical.

    A tuple, for a list has millions: they are made in a quarter of the time of a frozen dataclass.
    """

    line: int
    host: str
    covers: Covers
    target: str = ""


@dataclass(frozen=True, slots=True)
class ParsedExpression:
    """An entry that is a regular expression for whole addresses, checked and as it is written."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line that is no entry: more than a few of them refuse the list."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class UnsupportedLine:
    """A line that may be good, and that this version cannot apply: counted and shown, never guessed."""

    line: int


type ParsedLine = ParsedEntry | ParsedExpression | RejectedLine | UnsupportedLine
#: The lines of a file, or of a part of it, without their ends, each with its number in the file.
type NumberedLines = Iterable[tuple[int, bytes]]
#: Runs in other processes too, so it is a function of a module. It looks at each line by itself, or its format is
#: registered as one that is read in one piece.
type LineParser = Callable[[NumberedLines], Iterator[ParsedLine]]


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a list, and the category that its entries get.

    `in_one_piece`: what a line means depends on lines before it, so the file is not cut into blocks. `plain` is what a
    line covers that is nothing but a plain name, where the parser makes an entry of every one (categories.plain_names).
    """

    file: str  # its name inside the list, "adult/domains"
    path: Path
    category: str
    parse: LineParser
    white: bool = False
    in_one_piece: bool = False
    plain: Covers | None = None


@dataclass(frozen=True, slots=True)
class OpenedList:
    """A list's files, ready to be read, and what a person should know about those that are left out."""

    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()


type OpenList = Callable[[ListSource, Path, Path], OpenedList]

_COMMENT = re.compile(r"(?:^|\s)#.*")
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HOST_CAP = 253


#: A host name that is canonical as it stands, whatever its length: most lines of most lists have one.
PLAIN_NAME = rb"(?:[a-z0-9_]++(?:-[a-z0-9_]++)*+\.)++[a-z][a-z0-9]*+(?:-[a-z0-9]++)*+"
LABEL_CAP = 63


@dataclass(frozen=True, slots=True)
class Plain:
    """Whole lines that are good as they stand, so that they need no look at all: three times as quick.

    `pattern` has two groups: a PLAIN_NAME, and the target of an entry that covers a PREFIX, else nothing.
    """

    pattern: re.Pattern[bytes]
    covers: Covers


def each_line(
    numbered_lines: NumberedLines, read: Callable[[int, str], Iterable[ParsedLine]], plain: Plain | None = None
) -> Iterator[ParsedLine]:
    """Clean every line, leave out blank ones and comments, and give the rest to `read`, but for `plain` ones.

    `read` raises MalformedAddress for a line to reject; its message is the reason.
    """
    match, covers = (plain.pattern.fullmatch, plain.covers) if plain else (_never, Covers.DOMAIN)
    odd, make = may_be_registry_suffix(), tuple.__new__  # ParsedEntry's own constructor takes twice as long
    for number, raw in numbered_lines:
        if (found := match(raw)) and len(raw) <= LINE_CAP:
            name, target = found.groups()
            host = name.decode()
            if len(host) <= LABEL_CAP and (target or not odd(host)):  # longer ones may have long labels
                yield make(ParsedEntry, (number, host, covers, target.decode()))
                continue
        try:
            text = _cleaned(raw, number)
            if text:
                yield from read(number, text)
        except MalformedAddress as problem:
            yield RejectedLine(number, str(problem))


def _never(raw: bytes) -> None:
    """Stands for the pattern of a format without plain lines."""


def _cleaned(raw: bytes, number: int) -> str:
    if len(raw) > LINE_CAP:
        raise MalformedAddress(f"line longer than {LINE_CAP} bytes")
    if b"\0" in raw:
        raise MalformedAddress("NUL byte")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise MalformedAddress("not UTF-8") from None
    if number == 1:
        text = text.removeprefix("\ufeff")
    return _COMMENT.sub("", text).strip() if "#" in text else text.strip()


def listed_host(text: str) -> str:
    """The canonical host of an entry that covers a whole host. Raises MalformedAddress, with the reason.

    A service of shared hosting (github.io) may be one: a list that has it means its strangers' sites too, and an update
    that brings a new one is looked at by a person first.
    """
    plain = _NAME.fullmatch(text) and "xn--" not in text and len(text) <= _HOST_CAP
    host = text if plain else _odd_host(text)
    if is_registry_suffix(host):
        raise MalformedAddress("a public suffix, which would cover strangers' sites")
    return host


def _odd_host(text: str) -> str:
    if "*" in text:
        raise MalformedAddress("wildcard")
    if text.startswith("."):
        raise MalformedAddress("begins with a dot")
    host = canonical_host(text)
    if literal(host) and ":" not in host and text.rstrip(".") != host:
        raise MalformedAddress("a number that is an IPv4 address only in an odd notation")
    return host


def whole_host(line: int, host: str) -> ParsedEntry:
    """The entry for a host with its sub-domains; an address literal has none."""
    return ParsedEntry(line, host, Covers.HOST if literal(host) else Covers.DOMAIN)


def name_or_wildcard(line: int, text: str) -> ParsedEntry:
    """The entry for "*.example.com", which covers the name too, or for "example.com", that name alone.

    Raises MalformedAddress, with the reason.
    """
    host = listed_host(text.removeprefix("*."))
    if not text.startswith("*."):
        return ParsedEntry(line, host, Covers.HOST)
    if literal(host):
        raise MalformedAddress("a wildcard over an address, which has no sub-domains")
    return ParsedEntry(line, host, Covers.DOMAIN)
