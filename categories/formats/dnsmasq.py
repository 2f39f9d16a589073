"""`dnsmasq`: "local=/example.com/", "address=/example.com/0.0.0.0", "server=/example.com/".

Each covers the name and all its sub-domains, as dnsmasq's manual says of them. A name that is sent somewhere else is
no entry of a block list: it is counted as unsupported, and so is every other option.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from categories.address import MalformedAddress
from categories.formats.entry import RejectedLine, UnsupportedLine, each_line, listed_host, whole_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from categories.formats.entry import NumberedLines, ParsedLine

#: What may stand behind the names for a name that is not to be found; "#" is every address that leads nowhere.
_NOWHERE = {
    "local": frozenset({""}),
    "server": frozenset({""}),
    "address": frozenset({"", "#", "0.0.0.0", "127.0.0.1", "::", "::1"}),
}


def parse(numbered_lines: NumberedLines) -> Iterator[ParsedLine]:
    """Read "option=/name[/name…]/[address]" lines."""
    return each_line(numbered_lines, _entries)


def _entries(line: int, text: str) -> Iterator[ParsedLine]:
    option, _, value = text.partition("=")
    nowhere, (before, *names) = _NOWHERE.get(option.strip(), frozenset()), value.split("/")
    if len(names) < 2 or before.strip() or names.pop().strip() not in nowhere:
        yield UnsupportedLine(line)
        return
    for name in names:
        try:
            yield whole_host(line, listed_host(name.strip()))
        except MalformedAddress as problem:  # the line's other names count
            yield RejectedLine(line, str(problem))
