"""`domains`: one host a line, which covers the host and all its sub-domains. May hold IP addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from categories.formats.entry import each_line, listed_host, whole_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from categories.formats.entry import NumberedLines, ParsedLine


def parse(numbered_lines: NumberedLines) -> Iterator[ParsedLine]:
    """Read `example.com` lines."""
    return each_line(numbered_lines, lambda line, text: (whole_host(line, listed_host(text)),))
