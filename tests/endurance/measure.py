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


def slope(points: list[tuple[float, float]]) -> float:
    """Give the slope of the straight line nearest to (seconds, value), per hour; 0 for fewer than two points."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return 3600 * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
