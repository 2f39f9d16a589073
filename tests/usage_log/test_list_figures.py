from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from usage_log.list_figures import ListFigures

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400


def said(**changes: Any) -> dict[str, Any]:
    one = {
        "name": "ut1",
        "date": time.time() - 20 * DAY,
        "stale_after": 14 * DAY,
        "floor": True,
        "entries": {"pornography": 812_332, "malware": 7},
    }
    return {"generation": "000007-0123456789abcdef", "lists": [one | changes]}


def scraped(path: Path) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(ListFigures(path))
    return registry


def test_age_entries_and_generation_of_the_lists_in_force(tmp_path: Path) -> None:
    path = tmp_path / "lists.json"
    registry = scraped(path)
    path.write_text(json.dumps(said()))
    age = registry.get_sample_value("breakwater_list_age_seconds", {"list": "ut1"})
    assert 20 * DAY <= (age or 0) < 20 * DAY + 600
    text = generate_latest(registry).decode()
    assert 'breakwater_list_entries{category="pornography",list="ut1"} 812332.0' in text
    assert 'breakwater_lists_generation_info{generation="000007-0123456789abcdef"} 1.0' in text


@pytest.mark.parametrize(
    ("changes", "labels", "stale"),
    [
        ({}, {"list": "ut1", "floor": "true"}, 1.0),
        ({"floor": False}, {"list": "ut1", "floor": "false"}, 1.0),
        ({"stale_after": 21 * DAY}, {"list": "ut1", "floor": "true"}, 0.0),
        ({"stale_after": None}, {"list": "ut1", "floor": "true"}, 0.0),
        ({"date": time.time() + DAY}, {"list": "ut1", "floor": "true"}, 0.0),
    ],
    ids=["stale", "stale and not of the floor", "young enough", "without a limit", "of tomorrow"],
)
def test_a_stale_list_is_a_figure_to_alarm_on(
    tmp_path: Path, changes: dict[str, Any], labels: dict[str, str], stale: float
) -> None:
    path = tmp_path / "lists.json"
    path.write_text(json.dumps(said(**changes)))
    assert scraped(path).get_sample_value("breakwater_list_stale", labels) == stale


def test_before_the_supervisor_has_written_there_are_no_figures(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert generate_latest(scraped(tmp_path / "lists.json")) == b""
    assert caplog.text == ""


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"generation": 1, "lists": [{}]}', '{"lists": 1}', "\udcff"])
def test_a_broken_file_gives_no_figures_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    path = tmp_path / "lists.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    registry = scraped(path)
    for _ in range(3):
        assert generate_latest(registry) == b""
    assert caplog.text.count("no figures about the lists") == 1
    path.write_text(json.dumps(said()))
    assert registry.get_sample_value("breakwater_list_age_seconds", {"list": "ut1"}) is not None
