"""`wildcard`: "*.example.com" covers the name and all its sub-domains, "example.com" that name alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from categories.formats.entry import each_line, name_or_wildcard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from categories.formats.entry import NumberedLines, ParsedLine


def parse(numbered_lines: NumberedLines) -> Iterator[ParsedLine]:
    """Read "*.example.com" and "example.com" lines."""
    return each_line(numbered_lines, lambda line, text: (name_or_wildcard(line, text),))
