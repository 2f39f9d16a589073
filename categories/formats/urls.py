"""`urls` of a UT1/squidGuard tree: host and the beginning of path and query, without scheme: "example.com/a/?q=".

As squidGuard does, a leading www, web or ftp of the host, the port and a trailing slash are left out, and letter case
is ignored (categories.index).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from categories.address import MalformedAddress
from categories.address import parse as parse_address
from categories.entries import Covers
from categories.formats.entry import PLAIN_NAME, ParsedEntry, Plain, each_line, listed_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from categories.formats.entry import NumberedLines, ParsedLine

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
#: No dot segments, nothing empty, nothing encoded: such a path reads in one way.
_PLAIN = Plain(re.compile(rb"(%b)((?:/[A-Za-z0-9_~-][A-Za-z0-9_~.-]*+)++)/?" % PLAIN_NAME), Covers.PREFIX)
_NOT_IN_HOST = re.compile(r"[@*]")


def parse(numbered_lines: NumberedLines) -> Iterator[ParsedLine]:
    """Read "host/path?query" lines."""
    return each_line(numbered_lines, lambda line, text: (listed_url(line, text),), _PLAIN)


def listed_url(line: int, text: str) -> ParsedEntry:
    """The entry for "host/path?query" and all that begins so. Raises MalformedAddress, with the reason."""
    if _SCHEME.match(text):
        raise MalformedAddress("begins with a scheme")
    if text[0] in "/\\":
        raise MalformedAddress("no host before the path")
    if "#" in text:
        raise MalformedAddress("a fragment, which no request carries")
    if _NOT_IN_HOST.search(text.partition("/")[0]):
        raise MalformedAddress("userinfo or wildcard in the host")
    address = parse_address(f"http://{text}")
    target = f"{address.path}?{address.query}" if address.query else address.path.rstrip("/") or "/"
    if target == "/":
        listed_host(address.host)
    return ParsedEntry(line, address.host, Covers.PREFIX, target)
