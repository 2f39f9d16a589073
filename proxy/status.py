"""What the children say of themselves, once a second: to the supervisor by a pipe, to commands by run/status.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING

from proxy.private_file import write_private

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """One worker, now."""

    worker: int
    pid: int
    revision: int
    generation: str
    accounts: int
    problem: str | None = None  # why the newest revision, generation or accounts file is not in force
    spool: str | None = None  # why no further record can be kept, so that all is blocked
    refused_certificates: dict[str, int] = field(default_factory=dict)
    spent: bool = False  # it has done its share, and asks to be replaced
    drain_seconds: float = 0.0  # what it takes at most to end, as the settings in force have it

    def line(self) -> bytes:
        """Give the status as one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"


_FIELDS = frozenset(each.name for each in fields(WorkerStatus))


@dataclass(frozen=True, slots=True)
class CollectorStatus:
    """The collector, when it spoke last."""

    oldest_unread_seconds: float
    trouble: str | None  # why records wait in the spool
    heard: float  # Unix time


def collector_status_of(line: bytes, heard: float) -> CollectorStatus:
    """Read the collector's line. Raises ValueError."""
    try:
        return CollectorStatus(**json.loads(line), heard=heard)
    except TypeError as error:
        raise ValueError(f"not a status: {error}") from error


def status_of(line: bytes) -> WorkerStatus:
    """Read a worker's line. What a newer version says besides is left out. Raises ValueError."""
    try:
        return WorkerStatus(**{name: value for name, value in json.loads(line).items() if name in _FIELDS})
    except (AttributeError, TypeError) as error:
        raise ValueError(f"not a status: {error}") from error


def write_statuses(path: Path, statuses: list[WorkerStatus], collector: CollectorStatus | None = None) -> None:
    """Write what all workers say, and the collector."""
    refused: dict[str, int] = {}
    for status in statuses:
        for host, count in status.refused_certificates.items():
            refused[host] = refused.get(host, 0) + count
    told = {
        "workers": [asdict(status) for status in statuses],
        "collector": asdict(collector) if collector is not None else None,
        "refused_certificates": refused,
    }
    write_private(path, json.dumps(told).encode())


def read_statuses(path: Path) -> list[WorkerStatus]:
    """Read what all workers said last; none where no supervisor has run."""
    try:
        told = json.loads(path.read_bytes())
    except FileNotFoundError:
        return []
    return [WorkerStatus(**{name: status[name] for name in status if name in _FIELDS}) for status in told["workers"]]
