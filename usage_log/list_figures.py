"""What the metrics say of the lists in force. The supervisor writes it down (proxy/list_watch.py); this reads it."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prometheus_client.core import Metric

log = logging.getLogger(__name__)

#: Longest file read, in bytes: a district has a few dozen lists.
_CAP: Final = 4 * 1024 * 1024


class ListFigures(Collector):
    """Reads the file at each scrape, so that ages are those of that moment. No file, no figures."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._problem = ""

    def collect(self) -> Iterator[Metric]:
        """Give the figures; none where the file cannot be used, which is said once."""
        try:
            with self._path.open("rb") as file:
                told = _metrics(json.loads(file.read(_CAP)), time.time())
            self._problem = ""
        except FileNotFoundError:  # before the supervisor has written it
            return
        except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
            if str(error) != self._problem:
                self._problem = str(error)
                log.error("%s: no figures about the lists: %s", self._path, error)
            return
        yield from told


def _metrics(said: dict[str, Any], now: float) -> tuple[Metric, ...]:
    age = GaugeMetricFamily("breakwater_list_age_seconds", "Age of a list in force", labels=["list"])
    stale = GaugeMetricFamily(
        "breakwater_list_stale", "1 where a list is older than its stale_after", labels=["list", "floor"]
    )
    entries = GaugeMetricFamily(
        "breakwater_list_entries", "Entries that block, of a list in force", labels=["list", "category"]
    )
    generation = InfoMetricFamily("breakwater_lists_generation", "The generation of the lists in force")
    generation.add_metric([], {"generation": str(said["generation"])})
    for one in said["lists"]:
        name, seconds, limit = str(one["name"]), max(0.0, now - one["date"]), one["stale_after"]
        age.add_metric([name], seconds)
        stale.add_metric([name, str(bool(one["floor"])).lower()], float(limit is not None and seconds > limit))
        for category, count in one["entries"].items():
            entries.add_metric([name, category], float(count))
    return age, stale, entries, generation
