from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from categories.act import Act
from categories.change import ChangedVerdict, Verdicts
from categories.index import CategoryIndex
from categories.sources import ListSource
from categories.update import compile_generation
from config.load import loads
from config.revisions import Revisions
from proxy.list_acts import VISITED, UsageLog, act_of, hold_limits
from proxy.snapshot import SnapshotRefused
from usage_log.visits import Visited, Visits

if TYPE_CHECKING:
    from pathlib import Path

DISTRICT = """
district: {name: Demo District}
state_dir: state
retention: {records: 90d, evidence: 10y, cases: 10y}
categories: {gambling: block}
"""
DEMO = DISTRICT + "starter_only: true\n"
FLOOR = DISTRICT + "lists: [{name: mine, format: domains, path: mine, category: pornography}]\n"


class Log:
    """A usage log that knows one host."""

    def __init__(self):
        self.recorded, self.asked = [], []

    def visits(self, folder, since):
        self.asked.append((folder, since))
        return Visits((Visited("casino.test", 7, 9),), ("one day is damaged",))

    def record(self, *what):
        self.recorded.append(what)


@pytest.fixture
def indexes(tmp_path: Path):
    """Two indexes: without and with casino.test among gambling."""
    found = []
    for number, text in enumerate(("other.test\n", "other.test\ncasino.test\n")):
        (tmp_path / "mine").write_text(text)
        source = ListSource("mine", "domains", path=tmp_path / "mine", category="gambling")
        found.append(CategoryIndex.open(compile_generation((source,), tmp_path / f"lists{number}").folder))
    with closing(found[0]), closing(found[1]):
        yield tuple(found)


def applied(tmp_path: Path, text: str) -> Path:
    (tmp_path / "district.yaml").write_text(text)
    (tmp_path / "mine").write_text("porn.test\n")
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    Revisions(folder).apply(tmp_path / "district.yaml", "ann", "first", datetime.now(UTC))
    return folder


def test_the_visited_hosts_are_judged_by_the_settings_in_force(tmp_path, indexes):
    folder, log = applied(tmp_path, DEMO), Log()
    act = act_of(folder, "ann", "why", UsageLog(log.visits, log.record))
    assert act.verdicts(*indexes) == Verdicts(
        (ChangedVerdict("casino.test", 7, "allow default", "block category.gambling"),), ("one day is damaged",)
    )
    ((asked, since),) = log.asked
    assert asked == folder
    assert abs(datetime.now(UTC) - VISITED - since).total_seconds() < 60


def test_without_settings_in_force_there_is_nothing_to_judge_by(tmp_path, indexes):
    log = Log()
    act = act_of(tmp_path / "state", "ann", "why", UsageLog(log.visits, log.record))
    assert act.verdicts(*indexes) == Verdicts()
    assert log.asked == []


def test_lists_that_the_workers_would_refuse_are_refused(tmp_path, indexes):
    """The settings want a list of the floor, and neither index has one."""
    log = Log()
    act = act_of(applied(tmp_path, FLOOR), "ann", "why", UsageLog(log.visits, log.record))
    with pytest.raises(SnapshotRefused):
        act.verdicts(*indexes)


def test_lists_of_other_settings_are_not_compared(tmp_path, indexes):
    folder, log = applied(tmp_path, FLOOR), Log()
    source = ListSource("mine", "domains", path=tmp_path / "mine", category="pornography")
    with closing(CategoryIndex.open(compile_generation((source,), folder / "lists").folder)) as new:
        act = act_of(folder, "ann", "why", UsageLog(log.visits, log.record))
        found = act.verdicts(indexes[0], new)
    assert found.changed == ()
    assert "does not fit the settings" in found.unread[0]


def test_a_generation_is_recorded_with_the_folder_it_is_for(tmp_path):
    log = Log()
    act = act_of(tmp_path, "ann", "why", UsageLog(log.visits, log.record))
    generation = compile_generation((), tmp_path / "lists", Act(act.author, act.reason, record=act.record))
    ((folder, put, made, change),) = log.recorded
    assert (folder, put.author, put.reason) == (tmp_path, "ann", "why")
    assert put.generation == made.id == change.generation == generation.id


def test_the_limits_are_those_of_the_settings(tmp_path):
    text = DEMO + "list_updates: {hold: {shrink: 3, growth: 7}}\n"
    limits = hold_limits(loads(text, "district.yaml", tmp_path))
    assert (limits.shrink, limits.growth) == (3, 7)


def test_the_days_are_those_that_a_change_and_explain_tell() -> None:
    assert timedelta(days=30) == VISITED
