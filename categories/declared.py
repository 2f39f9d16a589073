"""What a list says of itself in the comments at its beginning: how many entries it has, and when it was made.

"# Number of entries: 181083" (HaGeZi), "# Number of unique domains: 153,663" (StevenBlack), behind "#", "!" or ";". A
list that holds fewer than it declares was cut off on the way: a download without a length, or a copy that did not end,
looks whole otherwise. One that holds more is as good as any, for some count what others do not. Where the settings give
the list's checksum, somebody has vouched for it already.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from categories.errors import ListRefused
from categories.streams import unpacked

if TYPE_CHECKING:
    from pathlib import Path

#: How much of a file is looked at, in bytes and lines: a zone has records of its own before its comments.
_HEAD, _LINES = 1 << 16, 100
#: How many of the declared entries may be missing: a hundredth, and a handful.
_SHARE, _HANDFUL = 100, 5

_COUNT = re.compile(rb"[#!;]+\s*number of (?:entries|unique domains)\s*:\s*([0-9][0-9,]{0,14})\s*", re.IGNORECASE)
_MADE = re.compile(rb"[#!;]+\s*(?:last modified|date)\s*:\s*([0-9][\x20-\x7e]{7,40}?)\s*", re.IGNORECASE)
_TIMES = ("%d %b %Y %H:%M UTC", "%d %B %Y %H:%M:%S (UTC)", "%d %b %Y %H:%M:%S UTC", "%Y-%m-%d %H:%M UTC")


@dataclass(frozen=True, slots=True)
class Declared:
    """How many entries a list has by its own account, and when it was made (UTC); None where it says nothing."""

    entries: int | None = None
    made: datetime | None = None


def declared(path: Path, name: str) -> Declared:
    """Read the beginning of a list's file. Raises ListRefused as `unpacked` does; `name` is how it calls the file."""
    with unpacked(path, name) as stream:
        head = [line.strip() for line in io.BufferedReader(stream, _HEAD).read(_HEAD).split(b"\n")[:_LINES]]
    counts = [int(found[1].replace(b",", b"")) for line in head if (found := _COUNT.fullmatch(line))]
    times = [time for line in head if (found := _MADE.fullmatch(line)) and (time := _time(found[1].decode()))]
    return Declared(counts[0] if counts else None, times[0] if times else None)


def _time(text: str) -> datetime | None:
    for form in _TIMES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def check_whole(name: str, path: Path, found: int) -> None:
    """Raise ListRefused when the list `name` declares more entries than were `found` in its file."""
    entries = declared(path, f"list {name}").entries
    if entries is not None and found + entries // _SHARE + _HANDFUL < entries:
        held = f"declares {entries:,} entries and holds {found:,}"
        raise ListRefused(f"list {name}: {held}; it was cut off on the way, get it again")
