"""`domains`: one host a line, which covers the host and all its sub-domains. May hold IP addresses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from categories.entries import Covers
from categories.formats.entry import PLAIN_NAME, Plain, each_line, listed_host, whole_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from categories.formats.entry import NumberedLines, ParsedLine

_PLAIN = Plain(re.compile(rb"(%b)()" % PLAIN_NAME), Covers.DOMAIN)


def parse(numbered_lines: NumberedLines) -> Iterator[ParsedLine]:
    """Read `example.com` lines."""
    return each_line(numbered_lines, lambda line, text: (whole_host(line, listed_host(text)),), _PLAIN)
