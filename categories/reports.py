"""The lists in force, for people and for programs: status, look-up of a host, what the floor holds.

Functions without `table` in their name give values fit for JSON. child-abuse appears as a number only: which hosts its
lists name is never told, not even whether one host is among them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from categories.address import MalformedAddress, canonical_host, display_host, parse
from categories.entries import Covers
from categories.staleness import days_old, is_stale
from categories.taxonomy import CATEGORIES, CHILD_ABUSE, Lock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from categories.index import CategoryIndex
    from categories.meta import ListSummary

_NEVER: Mapping[str, timedelta] = MappingProxyType({})
#: A list with more categories than this is shown with their number.
_NAMED = 2

_NOT_CONSULTED = f"{CHILD_ABUSE} lists are never consulted here"


def status(
    index: CategoryIndex, now: datetime | None = None, stale_after: Mapping[str, timedelta] = _NEVER
) -> dict[str, Any]:
    """What is in force: generation, lists with version, age in days and counts, entries per category.

    `stale_after` has the age at which a list is stale, by its name; one that is not named there never is.
    """
    now = now or datetime.now(UTC)
    return {
        "generation": index.generation,
        "built": index.built.isoformat(timespec="seconds"),
        "lists": [_list(summary, now, stale_after) for summary in index.lists],
        "categories": {category: sum(lists.values()) for category, lists in sorted(index.counts.items())},
        "floor": floor_lines(index.counts),
    }


def _list(summary: ListSummary, now: datetime, stale_after: Mapping[str, timedelta]) -> dict[str, Any]:
    limit = stale_after.get(summary.name)
    return {
        "name": summary.name,
        "format": summary.format,
        "version": summary.version,
        "date": summary.date.isoformat(timespec="seconds"),
        "age_days": days_old(summary, now),
        "stale_after_days": limit.days if limit is not None else None,
        "stale": is_stale(summary, stale_after, now),
        "digest": summary.digest,
        "entries": summary.entries,
        "white": summary.white,
        "rejected": summary.rejected,
        "unsupported": summary.unsupported,
        "categories": dict(summary.counts),
        "examples": list(summary.examples),
        "notes": list(summary.notes),
    }


def status_table(body: Mapping[str, Any]) -> Table:
    """`status` as a table, a row a list."""
    table = Table(title=f"Lists in force: {body['generation']}\nbuilt {body['built']}")
    for title in ("List", "Version", "Age"):
        table.add_column(title, no_wrap=True)
    table.add_column("Entries", justify="right")
    for title in ("Left out", "Categories"):
        table.add_column(title)
    for item in body["lists"]:
        white = f", {item['white']:,} white" if item["white"] else ""
        left_out = [f"{item[key]:,} {key}" for key in ("rejected", "unsupported") if item[key]]
        entries = f"{item['entries']:,}{white}"
        row = (escape(item["name"]), item["version"], _age(item), entries, ", ".join(left_out), _categories(item))
        table.add_row(*row)
    return table


def _categories(item: Mapping[str, Any]) -> str:
    """Their names; of many only how many, for a program gets all."""
    named = list(item["categories"])
    return escape(", ".join(named)) if len(named) <= _NAMED else f"{len(named)}; see --json"


def _age(item: Mapping[str, Any]) -> str:
    return f"[bold red]{item['age_days']} d, stale[/]" if item["stale"] else f"{item['age_days']} d"


def findings(lists: Sequence[ListSummary]) -> list[str]:
    """One line for each list with rejected lines, their first examples, and what was left out of it."""
    found = []
    for summary in lists:
        if summary.rejected:
            found.append(f"list {summary.name}: rejected lines: {summary.rejected:,}")
        found += [f"list {summary.name}: {example}" for example in summary.examples]
        found += [f"list {summary.name}: {note}" for note in summary.notes]
    return found


def floor_lines(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """How many entries the floor holds, and where they come from: one line a category."""
    return [
        _floor_line(category.id, counts.get(category.id, {})) for category in CATEGORIES if category.lock is Lock.FLOOR
    ]


def _floor_line(category: str, lists: Mapping[str, int]) -> str:
    total = sum(lists.values())
    origin = ", ".join(f"{name} {count:,}" for name, count in lists.items()) or "no list"
    return f"{category}: {total:,} {'entry' if total == 1 else 'entries'} ({origin})"


def lookup(index: CategoryIndex, text: str) -> dict[str, Any]:
    """Every entry that covers a host, or a whole http(s) address. Raises MalformedAddress for anything else."""
    address = parse(text) if "://" in text else parse(f"http://{_bracketed(canonical_host(text))}/")
    if "*" in address.host or not any(map(str.isalnum, address.host)):  # WHATWG lets them pass; no name has them
        raise MalformedAddress("not a host name; name one host, such as www.example.org")
    entries = index.lookup(address.host, address.path, address.query)
    return {
        "host": address.host,
        "display": display_host(address.host),
        "generation": index.generation,
        "entries": [entry._asdict() for entry in entries if entry.category != CHILD_ABUSE],
        "note": _NOT_CONSULTED,
    }


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def lookup_table(body: Mapping[str, Any]) -> Table:
    """`lookup` as a table, a row an entry."""
    table = Table(title=f"{escape(body['display'])}: {len(body['entries'])} entries", caption=body["note"])
    for title in ("Category", "Entry", "Covers", "List", "Version", "Line"):
        table.add_column(title)
    for entry in body["entries"]:
        category = f"{entry['category']} (white)" if entry["white"] else entry["category"]
        where = f"{entry['file']}:{entry['line']}"
        row = (category, entry["pattern"], _COVERS[entry["covers"]], entry["list"], entry["list_version"], where)
        table.add_row(*map(escape, row))
    return table


_COVERS = {
    Covers.DOMAIN: "with sub-domains",
    Covers.HOST: "this host alone",
    Covers.PREFIX: "what begins so",
    Covers.EXPRESSION: "what it matches",
}
