"""`rpz`: a response policy zone for DNS servers: "example.com CNAME ." and "*.example.com CNAME .".

The first covers that name alone. The second says only the sub-domains; here it covers the name too, for a site whose
every sub-domain is listed is listed (a zone that means otherwise is not a list of sites). Names relative to the zone
only: what stands behind a second $ORIGIN, a name that ends in a dot, and triggers by address or name server, are
counted as unsupported, and so are names that are sent somewhere else. "example.com CNAME rpz-passthru." makes an
exception (categories.formats.exceptions).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from categories.formats.entry import UnsupportedLine, each_line, name_or_wildcard
from categories.formats.exceptions import excepted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from categories.formats.entry import NumberedLines, ParsedLine

_COMMENT = re.compile(r";.*")
_RECORD = re.compile(r"(\S+)\s+(?:\d+[smhdw]?\s+)?(?:IN\s+)?(CNAME|A|AAAA)\s+(\S+)", re.IGNORECASE)

#: What a name leads to that is not to be found.
_NOWHERE = {
    "CNAME": frozenset({".", "*.", "rpz-drop."}),
    "A": frozenset({"0.0.0.0", "127.0.0.1"}),
    "AAAA": frozenset({"::", "::1"}),
}
_TRIGGERS = (".rpz-ip", ".rpz-client-ip", ".rpz-nsip", ".rpz-nsdname")


def parse(numbered_lines: NumberedLines) -> Iterator[ParsedLine]:
    """Read the zone's records; its own (SOA, NS, "@") and its directives are left out."""
    return each_line(numbered_lines, _Zone().entries)


class _Zone:
    """Where in the zone a line stands: a record may go on over lines, in parentheses (RFC 1035, section 5.1)."""

    def __init__(self) -> None:
        self._open = 0
        self._begun = self._moved = False  # a first $ORIGIN is the zone's own name

    def entries(self, line: int, text: str) -> Iterator[ParsedLine]:
        record = _COMMENT.sub("", text).strip()
        goes_on, self._open = self._open > 0, max(0, self._open + record.count("(") - record.count(")"))
        if record.upper().startswith("$ORIGIN"):
            self._moved, self._begun = self._begun, True
        if goes_on or not record or record.startswith(("$", "@")) or _of_the_zone(record):
            return
        self._begun = True
        if self._moved:
            yield UnsupportedLine(line)
            return
        found = _RECORD.fullmatch(record)
        if found is None or found[1].endswith((".", *_TRIGGERS)):
            yield UnsupportedLine(line)
        elif (found[2].upper(), found[3].lower()) == ("CNAME", "rpz-passthru."):
            yield excepted(line, lambda: name_or_wildcard(line, found[1]))
        elif found[3].lower() in _NOWHERE[found[2].upper()]:
            yield name_or_wildcard(line, found[1])
        else:
            yield UnsupportedLine(line)


def _of_the_zone(record: str) -> bool:
    """True for SOA and NS, whatever stands before them."""
    return any(word.upper() in ("SOA", "NS") for word in record.split()[:4])
