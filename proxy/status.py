"""What the workers say of themselves, once a second: to the supervisor by a pipe, to commands by run/status.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
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
    refused_certificates: dict[str, int] = field(default_factory=dict)

    def line(self) -> bytes:
        """Give the status as one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"


def status_of(line: bytes) -> WorkerStatus:
    """Read a worker's line. Raises ValueError."""
    try:
        return WorkerStatus(**json.loads(line))
    except TypeError as error:
        raise ValueError(f"not a status: {error}") from error


def write_statuses(path: Path, statuses: list[WorkerStatus]) -> None:
    """Write what all workers say."""
    refused: dict[str, int] = {}
    for status in statuses:
        for host, count in status.refused_certificates.items():
            refused[host] = refused.get(host, 0) + count
    told = {"workers": [asdict(status) for status in statuses], "refused_certificates": refused}
    write_private(path, json.dumps(told).encode())


def read_statuses(path: Path) -> list[WorkerStatus]:
    """Read what all workers said last; none where no supervisor has run."""
    try:
        told = json.loads(path.read_bytes())
    except FileNotFoundError:
        return []
    return [WorkerStatus(**status) for status in told["workers"]]
