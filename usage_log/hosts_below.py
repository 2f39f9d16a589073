"""How many of the hosts that were visited lie below a domain: so many does an entry of a list cover, beside one host.

Numbers only, no host and no person. A small number could tell that somebody visited something (invariant 7), so one
below three is not told, and what is told does not say who or how often.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from categories.taxonomy import CHILD_ABUSE
from usage_log.day_files import DayRefused
from usage_log.day_reader import Filter, LogUnreadable, days_of, microseconds, reading
from usage_log.visits import TOLD_FROM, VISIT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime
    from pathlib import Path

#: Hosts counted at most for one domain: whoever makes up names must not fill memory.
MOST: Final = 100_000

#: Seconds after which no further day is begun; the newest come first.
PATIENCE: Final = 10.0

#: Steps through the index of hosts from one host to the next, not through all rows: a popular host has millions.
_OF_A_DAY: Final = f"""
WITH RECURSIVE known(host) AS (
  SELECT min(host) FROM decision
  UNION ALL SELECT (SELECT min(host) FROM decision WHERE host > known.host) FROM known WHERE known.host IS NOT NULL
)
SELECT host FROM known WHERE ({{below}})
AND EXISTS (SELECT 1 FROM decision WHERE decision.host = known.host AND time >= ? AND {VISIT})
"""  # noqa: S608 - made of fixed pieces
_BELOW: Final = "host = ? OR substr(host, -?) = ?"


@dataclass(frozen=True, slots=True)
class HostsBelow:
    """`counts`: domain -> visited hosts, None for fewer than three. `unread`: a line for what could not be read."""

    counts: Mapping[str, int | None]
    unread: tuple[str, ...]


def hosts_below(
    state_dir: Path, since: datetime, domains: Collection[str], besides: str, *, patience: float = PATIENCE
) -> HostsBelow:
    """Count the hosts visited since a moment that are one of the domains or below it, but for the host `besides`.

    Never raises for a log that cannot be read. A day takes about a second for each 300,000 different hosts.
    """
    directory, until = state_dir / "log", time.monotonic() + patience
    found: dict[str, set[str]] = {domain: set() for domain in domains}
    days, unread = days_of(directory, Filter(since=since)) if found else [], []
    for read, day in enumerate(reversed(days)):
        if read and time.monotonic() > until:
            unread.append(f"{directory}: no time for the oldest {len(days) - read} of {len(days)} days")
            break
        try:
            _add(found, directory, day, since)
        except (DayRefused, LogUnreadable) as error:
            unread.append(str(error))
    counts = {domain: _told(len(hosts - {besides})) for domain, hosts in found.items()}
    return HostsBelow(counts, tuple(unread))


def _add(found: dict[str, set[str]], directory: Path, day: date, since: datetime) -> None:
    question = _OF_A_DAY.format(below=" OR ".join(_BELOW for _ in found))
    domains = [value for domain in found for value in (domain, len(domain) + 1, f".{domain}")]
    with reading(directory, day) as database:
        for (host,) in database.execute(question, (*domains, microseconds(since), CHILD_ABUSE)):
            for domain, hosts in found.items():
                if len(hosts) < MOST and f".{host}".endswith(f".{domain}"):
                    hosts.add(host)


def _told(count: int) -> int | None:
    return count if count >= TOLD_FROM else None
