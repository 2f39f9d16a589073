"""What the workers hold, from /proc: resident bytes and open descriptors, as they change."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.product import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.e2e.product import Product

#: What a worker may grow by, in bytes; some 50 MiB while it warms up.
GROWTH = 200 * 2**20

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Sample:
    """One worker at one moment: monotonic seconds, resident bytes, descriptors."""

    pid: int
    at: float
    resident: int
    descriptors: int


def workers(product: Product) -> list[int]:
    """Give the workers' process ids, as the supervisor wrote them down."""
    file = product.state / "run" / "status.json"
    wait_for(file.exists, 10, "run/status.json")  # it is written a moment after the filter is ready
    status = json.loads(file.read_text())
    return [each["pid"] for each in status["workers"]]


def sample(pids: Iterable[int]) -> list[Sample]:
    """Look at every worker that is still there."""
    return [each for pid in pids if (each := _sample(pid)) is not None]


def _sample(pid: int) -> Sample | None:
    folder = Path(f"/proc/{pid}")
    try:
        resident = int((folder / "statm").read_text().split()[1]) * PAGE
        return Sample(pid, time.monotonic(), resident, len(list((folder / "fd").iterdir())))
    except FileNotFoundError:
        return None  # it has ended meanwhile


def grown(samples: Iterable[Sample], descriptors: int, resident: int = GROWTH) -> list[str]:
    """Say which workers held at their last sample so much more than at their first."""
    lives: dict[int, list[Sample]] = {}
    for each in samples:
        lives.setdefault(each.pid, []).append(each)
    found = []
    for pid, (first, *_, last) in ((pid, life) for pid, life in lives.items() if len(life) > 1):
        if last.descriptors - first.descriptors > descriptors:
            found.append(f"worker {pid} holds {last.descriptors} descriptors, {first.descriptors} before")
        if last.resident - first.resident > resident:
            found.append(f"worker {pid} holds {last.resident // 2**20} MiB, {first.resident // 2**20} MiB before")
    return found


def slope(points: list[tuple[float, float]]) -> float:
    """Give the slope of the straight line nearest to (seconds, value), per hour; 0 for fewer than two points."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return 3600 * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
