"""The only file that faces hyperscan: matches thousands of expressions at once, in time linear in the text.

Imported only where a list has expressions: that costs 10 ms and 1 MB. Flags: any case; `.` is any byte, as in
POSIX; each expression is reported once, where its first match ends.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import hyperscan

if TYPE_CHECKING:
    from collections.abc import Sequence

_FLAGS = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_SINGLEMATCH


class EngineRefused(Exception):
    """The engine does not compile this, or does not read what another version or CPU compiled. One line."""


class Matcher:
    """Compiled expressions; numbers are their places in the sequence that was compiled. Safe from every thread."""

    def __init__(self, database: hyperscan.Database) -> None:
        self._database = database
        self._own = threading.local()  # scratch is the engine's working memory: one for each thread

    @classmethod
    def compile(cls, patterns: Sequence[str]) -> Matcher:
        """Compile patterns as posix_syntax writes them. Raises EngineRefused. May take seconds and hundreds of MB."""
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        try:
            database.compile(expressions=[pattern.encode("ascii") for pattern in patterns], flags=_FLAGS)
        except hyperscan.HyperscanError as refusal:
            raise EngineRefused(str(refusal).rstrip(".")) from refusal
        return cls(database)

    @classmethod
    def load(cls, data: bytes) -> Matcher:
        """Take up what `dump` gave. Raises EngineRefused where another version or another kind of CPU compiled it."""
        try:
            return cls(hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK))
        except hyperscan.HyperscanError as refusal:
            raise EngineRefused(f"compiled by another version or for another CPU: {refusal}") from refusal

    def dump(self) -> bytes:
        """The compiled expressions as bytes."""
        return hyperscan.dumpb(self._database)

    def ends(self, text: bytes) -> dict[int, int]:
        """Where the first match of each expression in `text` ends, by number. Raises what the engine raises."""
        scratch = getattr(self._own, "scratch", None)
        if scratch is None:
            scratch = self._own.scratch = hyperscan.Scratch(self._database)
        found: dict[int, int] = {}

        def note(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            found.setdefault(number, end)

        self._database.scan(text, match_event_handler=note, scratch=scratch)
        return found
