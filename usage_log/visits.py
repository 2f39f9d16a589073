"""Which hosts were really visited, and by how many people: what new lists are tried on before they come into force.

No person and no path leaves this file, and no host that fewer than three people visited: it would point at one of them
(invariant 7). Nor does a host of a child-abuse record (docs/decisions/0004-no-oracle-for-child-abuse-lists.md).
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from categories.taxonomy import CHILD_ABUSE
from usage_log.day_files import DayRefused
from usage_log.day_reader import Filter, LogUnreadable, condition, days_of, reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from usage_log.day_reader import Database

#: A host that fewer people visited is never told.
TOLD_FROM: Final = 3

#: What is told at most, the most visited first.
HOSTS: Final = 100_000

#: Seconds after which no further day is begun, the newest come first: 2 µs a row, and a day may have 30 million.
PATIENCE: Final = 300.0

#: A decision about a host that somebody asked for: no answer to a missing password, and no end of what was open.
VISIT: Final = (
    "event = 'decision' AND host <> '' AND action IN ('allow', 'passthrough', 'monitor', 'block') AND category IS NOT ?"
)

#: NOT INDEXED: in the order of an index each row is looked up by itself, which takes twice as long.
_OF_A_DAY: Final = """
SELECT host, user, count(*), count(DISTINCT CASE WHEN user IS NULL THEN client END)
FROM decision NOT INDEXED WHERE {where} GROUP BY host, user
"""

#: `person` is a number that nobody else knows; 0 for rows without a user, whose addresses are counted by the day.
_TABLE: Final = """
CREATE TABLE visit (host TEXT, person INTEGER, requests INTEGER, addresses INTEGER, PRIMARY KEY (host, person))
WITHOUT ROWID
"""
_ADD: Final = """
INSERT INTO visit VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
SET requests = requests + excluded.requests, addresses = max(addresses, excluded.addresses)
"""
_MOST_VISITED: Final = """
SELECT host, max(sum(person > 0), max(addresses)) AS people, sum(requests) AS requests
FROM visit GROUP BY host HAVING people >= ? ORDER BY people DESC, requests DESC, host LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Visited:
    """A host that `people` different people asked for, three at least, with `requests` requests."""

    host: str
    people: int
    requests: int


@dataclass(frozen=True, slots=True)
class Visits:
    """Hosts, the most visited first; and a line for each thing that could not be read, so that nobody relies on it."""

    hosts: tuple[Visited, ...]
    unread: tuple[str, ...]


class _NotCounted(Exception):
    """There is no room to count in."""


def visited_hosts(
    state_dir: Path,
    since: datetime,
    *,
    now: datetime | None = None,
    most: int = HOSTS,
    patience: float = PATIENCE,
) -> Visits:
    """Return the hosts that three people or more visited since a moment. Never raises for a log that cannot be read.

    People are told apart by user. Where nobody is named, a host has as many as it had addresses on one day: somebody
    may have another address every day. Named and not named people may be the same, so the larger number counts.
    It reads all rows, which takes minutes where there are many: not for an event loop. Memory is bounded.
    """
    directory, until = state_dir / "log", time.monotonic() + patience
    days = days_of(directory, Filter(since=since))
    unread = _missing(days, since, now or datetime.now(UTC))
    try:
        with closing(_table()) as visits:
            people: dict[str, int] = {}
            for read, day in enumerate(reversed(days)):
                if read and time.monotonic() > until:
                    unread.append(f"{directory}: no time for the oldest {len(days) - read} of {len(days)} days")
                    break
                try:
                    _add(visits, directory, day, since, people)
                except (DayRefused, LogUnreadable) as error:
                    unread.append(str(error))
            found = visits.execute(_MOST_VISITED, (TOLD_FROM, most))
            return Visits(tuple(Visited(*row) for row in found), tuple(unread))
    except (_NotCounted, sqlite3.Error) as error:
        return Visits((), (*unread, f"visits cannot be counted: {error}: make room for temporary files"))


def _missing(days: list[date], since: datetime, now: datetime) -> list[str]:
    """Say how many days have no file: the filter did not run, or they were deleted."""
    first, last = since.astimezone(UTC).date(), now.astimezone(UTC).date()
    asked = (last - first).days + 1
    return [f"no records of {asked - len(days)} of the {asked} days since {first}"] if len(days) < asked else []


def _table() -> Database:
    """Make a database without a name: in memory while it is small, then in a file that only this process can open."""
    table = sqlite3.connect("", isolation_level=None)
    for line in ("PRAGMA cache_size = -65536", "PRAGMA journal_mode = OFF", _TABLE, "BEGIN"):
        table.execute(line)
    return table


def _add(visits: Database, directory: Path, day: date, since: datetime, people: dict[str, int]) -> None:
    where, values = condition(Filter(since=since), (VISIT, (CHILD_ABUSE,)))
    with reading(directory, day) as database:
        rows = database.execute(_OF_A_DAY.format(where=where), values)
        while some := rows.fetchmany(10_000):
            try:
                visits.executemany(_ADD, _numbered(some, people))
            except sqlite3.Error as error:
                raise _NotCounted(error) from error


def _numbered(rows: list[sqlite3.Row], people: dict[str, int]) -> Iterator[tuple[str, int, int, int]]:
    """Put a number in the place of each name: what is written to a temporary file means nothing to others."""
    for host, user, requests, addresses in rows:
        person = 0 if user is None else people.setdefault(user, len(people) + 1)
        yield host, person, requests, addresses
