"""How `audit log` and `audit summary` look: JSON for programs, tables for people.

What a record holds was chosen by clients and web sites, so nothing of it reaches a terminal as a control sequence:
JSON is pure ASCII, and tables show whatever cannot be printed as an escape.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from usage_log.acts import act_of
from usage_log.attempt_alerts import told_of
from usage_log.day_files import moment_of
from usage_log.record import ATTEMPTS, LISTS
from usage_log.summary import DIMENSIONS, SHOWN_FROM, Cell, Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from usage_log.acts import ListsAct
    from usage_log.attempt_alerts import Told
    from usage_log.queries import LogRow

#: The fields of a line of `audit log --json`, in their order (DESIGN.md, "Commands").
FIELDS: Final = (
    *("id", "event", "time", "node", "seq", "user", "identity", "client", "school", "device", "method", "scheme"),
    *("host", "port", "path", "category", "action", "reason", "basis", "list", "list_version", "unblock"),
    *("policy_revision", "status", "bytes_in", "bytes_out", "duration_ms", "intent", "page", "outcome", "detail"),
    "search_terms",
)

_COLORS: Final = {"block": "red", "challenge": "yellow", "monitor": "yellow", "passthrough": "cyan"}
_EVENTS: Final = {"end": "{} (end)", LISTS: "lists changed", ATTEMPTS: "alert"}
_READ: Final[dict[str, Callable[[str | None], ListsAct | Told | None]]] = {LISTS: act_of, ATTEMPTS: told_of}
_TOTALS: Final = ("records", "unrecorded", "list_changes", "attempt_alerts", "users", "bytes_in", "bytes_out")
_FEW: Final = f"fewer than {SHOWN_FROM} users"


@dataclass(frozen=True, slots=True)
class Form:
    """Where a report goes and how it looks; `zone` is the time zone of the tables. JSON is always UTC."""

    out: TextIO
    json: bool
    zone: tzinfo = UTC


def print_log(rows: Iterable[LogRow], form: Form) -> int:
    """Print the rows; return how many there were."""
    if not form.json:
        return _print_table(rows, form)
    count = 0
    for row in rows:
        form.out.write(f"{json.dumps(line_of(row))}\n")
        count += 1
    return count


def line_of(row: LogRow) -> dict[str, Any]:
    """Return the fields of a row as `audit log --json` names them. The time is RFC 3339 in UTC, with microseconds."""
    own = {"node": row.node, "seq": row.seq, "time": _rfc3339(row.record.time)}
    return {name: own[name] if name in own else getattr(row.record, name) for name in FIELDS}


def _rfc3339(time: int) -> str:
    return _utc(moment_of(time))


def _print_table(rows: Iterable[LogRow], form: Form) -> int:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("time", "user", "school", "action", "reason", "method", "host", "status", "bytes"):
        table.add_column(name, justify="right" if name in ("status", "bytes") else "left", overflow="fold")
    for row in rows:
        record = row.record
        at = moment_of(record.time).astimezone(form.zone).strftime("%Y-%m-%d %H:%M:%S")
        action = _EVENTS.get(record.event, "{}").format(record.action)
        words = (at, record.user, record.school, action, record.reason, record.method, _where(row))
        style = _COLORS.get(record.action, "")
        table.add_row(*map(_plain, words), str(record.status), f"{record.bytes_in + record.bytes_out:,}", style=style)
    _console(form).print(table)
    return table.row_count


def _where(row: LogRow) -> str:
    record = row.record
    if record.detail:  # of what is nobody's request
        read = _READ.get(record.event)
        said = read(record.detail) if read else None
        return said.line() if said else record.detail
    host = f"[{record.host}]" if ":" in record.host else record.host
    return host if record.port in (80, 443) else f"{host}:{record.port}"


def _plain(text: str | None) -> Text:
    """Return text that cannot steer a terminal or be taken for markup."""
    if text is None:
        return Text("-")
    return Text("".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text))


def _console(form: Form) -> Console:
    console = Console(file=form.out, highlight=False)
    if not console.is_terminal:
        console.width = 200  # a file or a pipe has no width of its own
    return console


def print_summary(summary: Summary, form: Form) -> None:
    """Print a summary: one JSON object, or tables."""
    if form.json:
        form.out.write(f"{json.dumps(summary_object(summary))}\n")
        return
    console = _console(form)
    period = " to ".join(_local(moment, form.zone) for moment in (summary.first, summary.last) if moment)
    console.print(f"{summary.records:,} decisions by {summary.users:,} users, {period or 'nothing recorded'}")
    if summary.unrecorded:
        console.print(f"{summary.unrecorded:,} requests more, refused while the log had no room, have no record")
    if summary.list_changes:
        console.print(f"{summary.list_changes:,} times other lists were put into force: audit log --reason lists")
    if summary.attempt_alerts:
        console.print(f"{summary.attempt_alerts:,} alerts about repeated attempts: audit log --reason attempts")
    console.print(f"{summary.bytes_in:,} bytes sent, {summary.bytes_out:,} bytes received")
    for dimension in DIMENSIONS:
        if summary.cells[dimension]:
            console.print(_dimension_table(dimension, summary.cells[dimension]))


def _local(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def _dimension_table(dimension: str, cells: tuple[Cell, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(f"by {dimension}", min_width=30)
    for name in ("decisions", "users", "bytes sent", "bytes received"):
        table.add_column(name, justify="right")
    for cell in cells:
        if cell.records is None:
            table.add_row(_plain(cell.value), Text(_FEW, style="dim"))
        else:
            numbers = (cell.records, cell.users, cell.bytes_in, cell.bytes_out)
            table.add_row(_plain(cell.value), *(f"{number:,}" for number in numbers))
    return table


def summary_object(summary: Summary) -> dict[str, Any]:
    """Return a summary as plain values: `by_action` and so on are lists; a suppressed cell's figures are null."""
    cells = {f"by_{name}": [asdict(cell) for cell in summary.cells[name]] for name in DIMENSIONS}
    totals = {name: getattr(summary, name) for name in _TOTALS}
    times = {name: moment and _utc(moment) for name, moment in (("first", summary.first), ("last", summary.last))}
    return times | totals | {"figures_from_users": SHOWN_FROM} | cells


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
