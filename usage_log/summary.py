"""What happened in a period, as counts. A cell that fewer than five people stand behind shows no figures.

The totals are shown whatever they are: a routine audit may count the pseudonymous rows anyway.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from usage_log.day_files import day_path, moment_of
from usage_log.day_reader import Filter, condition, days_of, microseconds, reading
from usage_log.record import ATTEMPTS, LISTS, NO_LOG, UNRECORDED, unrecorded_count

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from usage_log.day_reader import Database, Row

#: Fewer people than this behind a cell: no figures (reference/storage.md 4).
SHOWN_FROM: Final = 5

DIMENSIONS: Final = ("action", "category", "reason", "school", "hour")

#: What stayed open has two rows. Its totals stand in the "end", so what an early decision counted does not.
_BYTES: Final = "SUM(CASE WHEN event = 'end' OR id NOT IN (SELECT id FROM ended) THEN {0} ELSE 0 END) AS {0}"
_HOUR: Final = 3_600_000_000  # microseconds

#: A row that says how many requests have none of their own: nobody's decision, so it is in no cell and counts nobody.
_STANDS_FOR_MANY: Final = f"(reason = '{NO_LOG}' AND coalesce(detail, '') GLOB '{UNRECORDED}*')"

_REQUEST: Final = f"event NOT IN ('{LISTS}', '{ATTEMPTS}') AND NOT {_STANDS_FOR_MANY}"

_GROUPS: Final = f"""
SELECT action, category, reason, school, time / ? AS hour, user, coalesce('u' || user, 'c' || client) AS person,
  SUM(event = 'decision') AS records, MIN(time) AS first, MAX(time) AS last,
  {_BYTES.format("bytes_in")}, {_BYTES.format("bytes_out")}
FROM decision WHERE {{where}} AND {_REQUEST} GROUP BY action, category, reason, school, hour, user, person
"""  # noqa: S608 - `where` is made of fixed pieces, usage_log.day_reader
_UNRECORDED: Final = f"SELECT reason, detail FROM decision WHERE {{where}} AND {_STANDS_FOR_MANY}"  # noqa: S608 - as above

_EVENTS: Final = "SELECT count(*) FROM decision WHERE {where} AND event = '{event}'"


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a dimension. `records`, `users` and the bytes are None where too few people stand behind them."""

    value: str
    records: int | None
    users: int | None
    bytes_in: int | None
    bytes_out: int | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of final verdicts in a period. `users` are different named users; times are UTC.

    `unrecorded` are requests that were refused while the log had no room, and have no record of their own.
    `list_changes` says how often the lists in force were changed, `attempt_alerts` how many alerts about repeated
    attempts there were: no requests, and in no other figure.
    """

    first: datetime | None
    last: datetime | None
    records: int
    unrecorded: int
    list_changes: int
    attempt_alerts: int
    users: int
    bytes_in: int
    bytes_out: int
    cells: dict[str, tuple[Cell, ...]]  # by dimension


@dataclass(slots=True)
class _Count:
    records: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    users: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)  # where nobody is named, an address stands for somebody

    def add(self, row: Row) -> None:
        self.records += row["records"]
        self.bytes_in += row["bytes_in"]
        self.bytes_out += row["bytes_out"]
        self.people.add(row["person"])
        if row["user"] is not None:
            self.users.add(row["user"])

    def cell(self, value: str) -> Cell:
        if len(self.people) < SHOWN_FROM:
            return Cell(value, None, None, None, None)
        return Cell(value, self.records, len(self.users), self.bytes_in, self.bytes_out)


@dataclass(slots=True)
class _Tally:
    zone: tzinfo
    total: _Count = field(default_factory=_Count)
    unrecorded: int = 0
    list_changes: int = 0
    attempt_alerts: int = 0
    first: int | None = None
    last: int | None = None
    cells: dict[str, dict[str, _Count]] = field(
        default_factory=lambda: {dimension: defaultdict(_Count) for dimension in DIMENSIONS}
    )

    def add(self, row: Row) -> None:
        self.total.add(row)
        self.first = min(self.first or row["first"], row["first"])
        self.last = max(self.last or row["last"], row["last"])
        hour = moment_of(row["hour"] * _HOUR).astimezone(self.zone).isoformat(timespec="minutes")
        for dimension in DIMENSIONS:
            value = hour if dimension == "hour" else row[dimension] or "none"
            self.cells[dimension][value].add(row)


def summary(state_dir: Path, wanted: Filter, zone: tzinfo = UTC) -> Summary:
    """Count what fits; hours are those of `zone`. Raises DayRefused and LogUnreadable."""
    tally = _Tally(zone)
    directory = state_dir / "log"
    for day in days_of(directory, wanted):
        ended = _ended(directory, day, wanted) + _ended(directory, day + timedelta(days=1), wanted)
        with reading(directory, day) as database:
            for row in _groups(database, wanted, ended):
                tally.add(row)
            tally.unrecorded += _unrecorded(database, wanted)
            tally.list_changes += _events(database, wanted, LISTS)
            tally.attempt_alerts += _events(database, wanted, ATTEMPTS)
    return Summary(
        first=None if tally.first is None else moment_of(tally.first),
        last=None if tally.last is None else moment_of(tally.last),
        records=tally.total.records,
        unrecorded=tally.unrecorded,
        list_changes=tally.list_changes,
        attempt_alerts=tally.attempt_alerts,
        users=len(tally.total.users),
        bytes_in=tally.total.bytes_in,
        bytes_out=tally.total.bytes_out,
        cells={dimension: _cells(dimension, tally.cells[dimension]) for dimension in DIMENSIONS},
    )


def _ended(directory: Path, day: date, wanted: Filter) -> list[tuple[str]]:
    """Return the ids whose "end" is of that day and within the period."""
    if not day_path(directory, day).exists():
        return []
    until = microseconds(wanted.until) if wanted.until else 2**62
    with reading(directory, day) as database:
        rows = database.execute("SELECT id FROM decision WHERE event = 'end' AND time < ?", (until,))
        return [(row["id"],) for row in rows]


def _groups(database: Database, wanted: Filter, ended: list[tuple[str]]) -> Iterable[Row]:
    database.execute("CREATE TEMP TABLE ended (id TEXT PRIMARY KEY) WITHOUT ROWID")
    database.executemany("INSERT OR IGNORE INTO ended VALUES (?)", ended)
    where, values = condition(wanted)
    return database.execute(_GROUPS.format(where=where), (_HOUR, *values))


def _unrecorded(database: Database, wanted: Filter) -> int:
    where, values = condition(wanted)
    rows = database.execute(_UNRECORDED.format(where=where), values)
    return sum(unrecorded_count(row["reason"], row["detail"]) for row in rows)


def _events(database: Database, wanted: Filter, event: str) -> int:
    where, values = condition(wanted)
    count: int = database.execute(_EVENTS.format(where=where, event=event), values).fetchone()[0]
    return count


def _cells(dimension: str, counts: dict[str, _Count]) -> tuple[Cell, ...]:
    """Return the cells: hours in their order, the rest by size with the suppressed ones last."""
    cells = [count.cell(value) for value, count in counts.items() if count.records]
    if dimension == "hour":
        return tuple(sorted(cells, key=lambda cell: cell.value))
    return tuple(sorted(cells, key=lambda cell: (-(cell.records or 0), cell.value)))
