"""`adblock`: of the syntax of ad blockers, what names a whole domain: "||example.com^", also with "$important".

"@@||example.com^" makes an exception (categories.formats.exceptions). All else looks into pages: it is counted as
unsupported and never guessed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from categories.formats.entry import UnsupportedLine, each_line, listed_host, whole_host
from categories.formats.exceptions import excepted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from categories.formats.entry import NumberedLines, ParsedLine

_DOMAIN = re.compile(r"(@@)?\|\|([^*^|/$,]+)\^(?:\$important)?")
_HEADER = re.compile(r"\[Adblock[^\]]*\]", re.IGNORECASE)


def parse(numbered_lines: NumberedLines) -> Iterator[ParsedLine]:
    """Read "||example.com^" lines; "!" begins a comment."""
    return each_line(numbered_lines, _entries)


def _entries(line: int, text: str) -> Iterator[ParsedLine]:
    if text.startswith("!") or (line == 1 and _HEADER.fullmatch(text)):
        return
    rule = _DOMAIN.fullmatch(text)
    if rule is None:
        yield UnsupportedLine(line)
    elif rule[1]:
        yield excepted(line, lambda: whole_host(line, listed_host(rule[2])))
    else:
        yield whole_host(line, listed_host(rule[2]))
