"""`adblock`: of the syntax of ad blockers, what names a whole domain: "||example.com^", also with "$important".

All else looks into pages, or makes exceptions from what a stranger's list says elsewhere: it is counted as unsupported
and never guessed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from categories.formats.entry import UnsupportedLine, each_line, listed_host, whole_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from categories.formats.entry import NumberedLines, ParsedLine

_DOMAIN = re.compile(r"\|\|([^*^|/$,]+)\^(?:\$important)?")
_HEADER = re.compile(r"\[Adblock[^\]]*\]", re.IGNORECASE)


def parse(numbered_lines: NumberedLines) -> Iterator[ParsedLine]:
    """Read "||example.com^" lines; "!" begins a comment."""
    return each_line(numbered_lines, _entries)


def _entries(line: int, text: str) -> Iterator[ParsedLine]:
    if text.startswith("!") or (line == 1 and _HEADER.fullmatch(text)):
        return
    rule = _DOMAIN.fullmatch(text)
    yield whole_host(line, listed_host(rule[1])) if rule else UnsupportedLine(line)
