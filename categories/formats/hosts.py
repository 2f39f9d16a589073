"""`hosts`: lines of /etc/hosts that send names nowhere, "0.0.0.0 ads.example.com". Covers exactly the names it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from categories.address import MalformedAddress
from categories.entries import Covers
from categories.formats.entry import PLAIN_NAME, ParsedEntry, Plain, RejectedLine, each_line, listed_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from categories.formats.entry import NumberedLines, ParsedLine

_NOWHERE = frozenset({"0.0.0.0", "127.0.0.1", "127.0.1.1", "::", "::1", "0:0:0:0:0:0:0:0", "0:0:0:0:0:0:0:1"})
_OWN_NAMES = frozenset(
    {"localhost", "localhost.localdomain", "localhost4", "localhost6", "local", "broadcasthost", "0.0.0.0"}
    | {
        f"ip6-{name}"
        for name in ("localhost", "loopback", "localnet", "mcastprefix", "allnodes", "allrouters", "allhosts")
    }
)
_PLAIN = Plain(re.compile(rb"(?:0\.0\.0\.0|127\.0\.0\.1)[ \t]++(?!localhost\.)(%b)()" % PLAIN_NAME), Covers.HOST)


def parse(numbered_lines: NumberedLines) -> Iterator[ParsedLine]:
    """Read "address name [name …]" lines; the machine's own names are left out."""
    return each_line(numbered_lines, _entries, _PLAIN)


def _entries(line: int, text: str) -> Iterator[ParsedLine]:
    address, *names = text.split()
    strangers = [name for name in names if name.lower() not in _OWN_NAMES]
    if not names:
        raise MalformedAddress("no name behind the address")
    if strangers and address not in _NOWHERE:
        raise MalformedAddress("the address is not one that leads nowhere")
    for name in strangers:
        yield _entry(line, name)


def _entry(line: int, name: str) -> ParsedLine:
    try:
        return ParsedEntry(line, listed_host(name), Covers.HOST)
    except MalformedAddress as problem:  # the line's other names count
        return RejectedLine(line, str(problem))
