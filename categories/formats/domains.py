"""`domains`: one host a line, which covers the host and all its sub-domains. May hold IP addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from categories.formats.entry import each_line, listed_host, whole_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from categories.formats.entry import ParsedLine


def parse(raw_lines: Iterable[bytes]) -> Iterator[ParsedLine]:
    """Read `example.com` lines."""
    return each_line(raw_lines, lambda line, text: (whole_host(line, listed_host(text)),))
