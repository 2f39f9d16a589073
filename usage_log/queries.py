"""What routine audits may ask: pseudonymous rows and aggregates, never one person's log.

There is no filter by user, and none may be added: a search for one person takes its predicate from an approved case
(DESIGN.md, invariant 7; a later storey). Outside a case a row's `user` and `device` are pseudonyms; `client`, `path`
and `search_terms` are empty, and so is `detail`, free text that may name any of them; but for the one that says how
many requests have no row of their own, which is written anew from its number, for what an administrator did to the
lists, which is nobody's traffic, and for an alert, which names records by their ids. `page` stays: it is a host, as
`host` is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from categories.taxonomy import CHILD_ABUSE
from usage_log.acts import act_of
from usage_log.attempt_alerts import told_of
from usage_log.day_files import RECORD_COLUMNS, columns_of, day_of, stored_days
from usage_log.day_reader import Filter, condition, days_of, reading
from usage_log.pseudonyms import Pseudonyms
from usage_log.record import ATTEMPTS, LISTS, DecisionRecord, typed_id, unrecorded_count, unrecorded_detail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from usage_log.day_reader import Condition, Database, Row

#: Days in which a blocked request is found by the id on its page.
FOUND_FOR: Final = 30

_PLACE: Final = ("node", "seq", "rowid")


class CaseNeeded(Exception):
    """Somebody asked for one person's log without an approved case."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of rows ended: the next page holds what is older."""

    time: int
    row: int


@dataclass(frozen=True, slots=True)
class LogRow:
    """A record as a routine audit may see it. `seq` counts without gaps per start of a worker."""

    node: str
    seq: int
    record: DecisionRecord
    cursor: Cursor


def refuse_user(user: str | None) -> None:
    """Raise CaseNeeded when a question names a user."""
    if user is not None:
        raise CaseNeeded("reading one person's log needs an approved case; not built yet")


def audit_rows(state_dir: Path, wanted: Filter, limit: int | None = None) -> Iterable[LogRow]:
    """Return the rows that fit, oldest first; with a limit the newest of them. Raises as `log` does."""
    directory, pseudonyms = state_dir / "log", Pseudonyms(state_dir / "audit-keys")
    if limit is None:
        return log(directory, pseudonyms, wanted)
    return reversed(newest(directory, pseudonyms, wanted, limit))


def log(directory: Path, pseudonyms: Pseudonyms, wanted: Filter) -> Iterator[LogRow]:
    """Yield the rows that fit, oldest first, without holding them. Raises DayRefused, LogUnreadable, KeyRefused."""
    where, values = condition(wanted)
    for day in days_of(directory, wanted):
        with reading(directory, day) as database:
            for row in database.execute(f"{_rows(database)} {where} ORDER BY time, rowid", values):
                yield _without_person(row, pseudonyms)


def newest(
    directory: Path, pseudonyms: Pseudonyms, wanted: Filter, limit: int, before: Cursor | None = None
) -> list[LogRow]:
    """Return the newest `limit` rows that fit (older than `before`), newest first. Raises as `log` does."""
    where, values = condition(wanted, *_older_than(before))
    found: list[LogRow] = []
    for day in reversed(days_of(directory, wanted)):
        if len(found) >= limit:
            break
        if before is not None and day > day_of(before.time):
            continue
        with reading(directory, day) as database:
            question = f"{_rows(database)} {where} ORDER BY time DESC, rowid DESC LIMIT ?"
            rows = database.execute(question, (*values, limit - len(found)))
            found += [_without_person(row, pseudonyms) for row in rows]
    return found


def _older_than(before: Cursor | None) -> tuple[Condition, ...]:
    return () if before is None else (("(time, rowid) < (?, ?)", (before.time, before.row)),)


def by_id(state_dir: Path, record_id: str, today: date | None = None) -> LogRow | None:
    """Return the block that shows this id as its reference, if it is of the last 30 days; without the person.

    The id may be as a person typed it. Raises DayRefused and LogUnreadable.
    """
    key = typed_id(record_id)
    if key is None:
        return None
    first = (today or datetime.now(UTC).date()) - timedelta(days=FOUND_FOR)
    for day in reversed([day for day in stored_days(state_dir / "log") if day >= first]):
        with reading(state_dir / "log", day) as database:
            question = f"{_rows(database)} id = ? AND action = 'block' AND event = 'decision'"
            row = database.execute(question, (key,)).fetchone()
            if row is not None:
                record = _record(row, user=None, device=None)
                return LogRow(row["node"], row["seq"], record, Cursor(row["time"], row["rowid"]))
    return None


def _rows(database: Database) -> str:
    """Return the beginning of a question for whole rows; what a file of an older schema does not have is NULL."""
    kept = columns_of(database.execute("PRAGMA user_version").fetchone()[0])
    names = [f'"{name}"' if name in (*_PLACE, *kept) else f'NULL AS "{name}"' for name in (*_PLACE, *RECORD_COLUMNS)]
    return f"SELECT {', '.join(names)} FROM decision WHERE "  # noqa: S608 - the names are the fields of DecisionRecord


def _without_person(row: Row, pseudonyms: Pseudonyms) -> LogRow:
    user, device, time = row["user"], row["device"], row["time"]
    record = _record(
        row,
        user=None if user is None else pseudonyms.of(user, time),
        device=None if device is None else pseudonyms.of(f"device\0{device}", time),
    )
    return LogRow(row["node"], row["seq"], record, Cursor(time, row["rowid"]))


def _record(row: Row, *, user: str | None, device: str | None) -> DecisionRecord:
    """Return a row without client, path, search terms and detail, with this user and device: the only way out."""
    values = dict(zip(RECORD_COLUMNS, row[len(_PLACE) :], strict=True))
    withheld = {"host": "", "page": None} if values["category"] == CHILD_ABUSE else {}
    shown = {"user": user, "device": device, "client": "", "path": "", "search_terms": None}
    return DecisionRecord(**values | withheld | shown | {"detail": _detail(values)})


def _detail(values: dict[str, Any]) -> str | None:
    """Return a detail that is about nobody's traffic; None for any other."""
    told = {LISTS: act_of, ATTEMPTS: told_of}.get(values["event"])
    if told is not None and told(values["detail"]) is not None:
        said: str = values["detail"]
        return said
    count = unrecorded_count(values["reason"], values["detail"])
    return unrecorded_detail(count) if count else None
