"""Golden lists: a file, and beside it what a parser makes of every line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from categories.address import canonical_host
from categories.formats import FORMATS
from categories.formats.entry import ParsedEntry, ParsedExpression, ParsedLine, RejectedLine, UnsupportedLine
from categories.sources import ListSource
from categories.streams import lines, unpacked

if TYPE_CHECKING:
    from categories.formats.entry import LineParser, OpenedList

GOLDEN = Path(__file__).parent / "golden"


def written(parsed: ParsedLine) -> str:
    if isinstance(parsed, ParsedEntry):
        return f"{parsed.line}\t{parsed.covers}\t{parsed.host}{parsed.target}"
    if isinstance(parsed, ParsedExpression):
        return f"{parsed.line}\texpression\t{parsed.text}"
    if isinstance(parsed, UnsupportedLine):
        return f"{parsed.line}\tunsupported"
    assert isinstance(parsed, RejectedLine)
    return f"{parsed.line}\trejected\t{parsed.reason}"


def opened_as(name: str, format_: str) -> OpenedList:
    """A golden list of one file, with its exceptions taken."""
    at = GOLDEN / name
    source = ListSource("mine", format_, path=at, category="games", white={"exceptions": "Somebody"})
    return FORMATS[format_](source, at, at)


def parsed_as_expected(name: str, parse: LineParser, ending: str = "expected") -> None:
    expected = (GOLDEN / f"{name}.{ending}").read_text().splitlines()
    with unpacked(GOLDEN / name, name) as stream:
        assert [written(parsed) for parsed in parse(enumerate(lines(stream), 1))] == expected


def every_line_is_an_entry_or_rejected(parse: LineParser, raw: list[bytes]) -> None:
    for parsed in parse(enumerate(raw, 1)):
        assert 1 <= parsed.line <= len(raw)
        if isinstance(parsed, ParsedEntry):
            assert canonical_host(parsed.host) == parsed.host
            assert "\n" not in parsed.target
            assert parsed.target.isascii()
            assert parsed.target.startswith("/") or not parsed.target
