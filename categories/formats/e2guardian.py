"""`e2guardian`: its site and URL lists: "example.com" with all sub-domains, "example.com/path" with what follows.

`.Include<…>` names another file of the machine that the list was written for, and "**" a rule for everything: both are
counted as unsupported. `#listcategory:` and `#time:` are comments here: what a list is for is in the settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from categories.formats.entry import UnsupportedLine, each_line, listed_host, whole_host
from categories.formats.urls import listed_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from categories.formats.entry import NumberedLines, ParsedLine

_ITS_OWN = (".Include<", "*")


def parse(numbered_lines: NumberedLines) -> Iterator[ParsedLine]:
    """Read "example.com" and "example.com/path" lines."""
    return each_line(numbered_lines, lambda line, text: (_entry(line, text),))


def _entry(line: int, text: str) -> ParsedLine:
    if text.startswith(_ITS_OWN):
        return UnsupportedLine(line)
    if "/" in text:
        return listed_url(line, text)
    return whole_host(line, listed_host(text))
