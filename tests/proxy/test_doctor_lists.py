"""doctor on the lists: each check, and what breaks it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from categories.errors import IndexRefused
from categories.generations import current
from categories.meta import ListSummary, read_meta
from categories.taxonomy import FLOOR
from config.list_settings import ListSource
from proxy import doctor_lists
from proxy.doctor_lists import check_floor, check_lists
from proxy.finding import Level
from tests.proxy.doctor_district import district, subject

NOW = datetime.now(UTC)


@pytest.fixture
def examined(tmp_path):
    return subject(district(tmp_path))


def with_lists(examined, *lists: ListSource, starter_only: bool = False):
    settings = examined.settings.model_copy(update={"lists": lists, "starter_only": starter_only})
    return replace(examined, settings=settings)


def summary(name: str, days: int = 0, rejected: int = 0, **counts: int) -> ListSummary:
    return ListSummary(name, "domains", NOW - timedelta(days=days), "0" * 64, 5, 0, rejected, 0, counts)


class Index:
    """An index as far as doctor looks into it."""

    def __init__(self, *lists: ListSummary) -> None:
        self.lists = lists
        self.counts: dict[str, dict[str, int]] = {}
        for each in lists:
            for category, count in each.counts.items():
                self.counts.setdefault(category.replace("_", "-"), {})[each.name] = count


@pytest.fixture
def in_force(monkeypatch):
    def put(*lists: ListSummary) -> None:
        monkeypatch.setattr(doctor_lists, "_index", lambda _: Index(*lists))

    return put


def level(findings, name: str) -> Level:
    return next(finding.level for finding in findings if finding.name == name)


SOURCE = ListSource(name="ut1", format="domains", url="https://lists.example/d", category="pornography")
LOCAL = ListSource(name="mine", format="domains", path="/lists/mine", category="gambling")


def test_the_demos_starter_lists_are_red_in_every_floor_category(examined):
    findings = check_floor(examined)
    assert {finding.name for finding in findings} == {f"floor {category}" for category in FLOOR}
    assert {finding.level for finding in findings} == {Level.RED}
    assert all("from starter" in finding.what and "starter_only" in finding.what for finding in findings)


def test_a_filled_category_is_ok_and_says_from_where(examined, in_force):
    in_force(summary("ut1", pornography=812_332), summary("starter", pornography=40))
    finding = next(each for each in check_floor(with_lists(examined, SOURCE)) if each.name == "floor pornography")
    assert finding.level is Level.OK
    assert finding.what == "812,332 from ut1, 40 from starter"


def test_a_category_with_nothing_in_it_is_red(examined, in_force):
    in_force(summary("ut1", pornography=0, obscene=1))
    findings = check_floor(with_lists(examined, SOURCE))
    assert level(findings, "floor pornography") is Level.RED
    assert level(findings, "floor child-abuse") is Level.RED


def test_a_category_that_only_our_own_list_fills_is_a_warning(examined, in_force):
    in_force(summary("starter", obscene=1), summary("ut1", pornography=5))
    assert level(check_floor(with_lists(examined, SOURCE)), "floor obscene") is Level.WARN


def subscribed(name, category, **more):
    return ListSource(name=name, format="domains", category=category, **more)


URL = {"url": "https://lists.example/d"}
FILE = {"path": "/lists/mine"}


@pytest.mark.parametrize(
    ("days", "source", "expected"),
    [
        (13, subscribed("ut1", "pornography", **URL), Level.OK),
        (15, subscribed("ut1", "pornography", **URL), Level.RED),
        (15, subscribed("ut1", "gambling", **URL), Level.WARN),
        (400, subscribed("ut1", "gambling", **URL), Level.WARN),
        (15, subscribed("ut1", "pornography", stale_after="30d", **URL), Level.OK),
        (3, subscribed("ut1", "pornography", stale_after="2d", **URL), Level.RED),
        (400, subscribed("mine", "pornography", **FILE), Level.OK),
        (400, subscribed("mine", "pornography", stale_after="365d", **FILE), Level.RED),
    ],
    ids=lambda value: value.name if isinstance(value, ListSource) else str(value),
)
def test_a_list_that_is_older_than_its_limit_alarms_and_one_of_the_floor_is_red(
    examined, in_force, days, source, expected
):
    in_force(summary(source.name, days=days, **{source.category: 5}))
    finding = next(each for each in check_lists(with_lists(examined, source)) if each.name == f"list {source.name}")
    assert finding.level is expected
    assert f"{days} days old" in finding.what
    assert ("it keeps blocking" in finding.what) is (expected is not Level.OK)


def note(examined, **fields):
    attempt = {"at": NOW.isoformat(), "failed": False, "says": "nothing is new"} | fields
    (examined.state_dir / "lists" / "attempt.json").write_text(json.dumps(attempt))


def stale(examined, in_force, source):
    in_force(summary(source.name, days=15, **{source.category: 5}))
    return next(each for each in check_lists(with_lists(examined, source)) if each.name == f"list {source.name}")


UT1 = subscribed("ut1", "pornography", **URL)
MINE = subscribed("mine", "pornography", stale_after="2d", **FILE)
UNCHANGED = "its publisher has not changed it for 15 days"


def test_a_list_that_its_publisher_does_not_change_is_nothing_that_an_update_mends(examined, in_force):
    note(examined)
    finding = stale(examined, in_force, UT1)
    assert finding.level is Level.RED
    assert UNCHANGED in finding.what
    assert "stale_after" in finding.todo
    assert "lists update" not in finding.todo


@pytest.mark.parametrize(
    "fields",
    [{"failed": True}, {"at": (NOW - timedelta(days=3)).isoformat()}, {"at": "?"}],
    ids=["failed", "three days ago", "cannot be read"],
)
def test_a_stale_list_that_was_not_answered_lately_is_fetched(examined, in_force, fields):
    note(examined, **fields)
    finding = stale(examined, in_force, UT1)
    assert UNCHANGED not in finding.what
    assert finding.todo.startswith("run: breakwater lists update")


def test_a_stale_list_whose_newer_version_waits_is_not_called_unchanged(examined, in_force):
    note(examined)
    (examined.state_dir / "lists" / "held" / "000002-0123456789abcdef").mkdir(parents=True)
    assert UNCHANGED not in stale(examined, in_force, UT1).what


def test_a_stale_file_is_renewed_by_hand(examined, in_force):
    note(examined)
    finding = stale(examined, in_force, MINE)
    assert UNCHANGED not in finding.what
    assert finding.todo.startswith("renew the file")


def test_rejected_lines_are_a_warning(examined, in_force):
    in_force(summary("mine", rejected=3))
    assert level(check_lists(with_lists(examined, LOCAL)), "list mine") is Level.WARN


def test_a_subscribed_list_that_is_not_in_force_is_red(examined):
    assert level(check_lists(with_lists(examined, SOURCE)), "list ut1") is Level.RED


def test_a_list_that_is_not_subscribed_any_more_is_a_warning(examined, in_force):
    in_force(summary("old"))
    assert level(check_lists(examined), "list old") is Level.WARN


@pytest.mark.parametrize("check", [check_floor, check_lists])
def test_a_damaged_index_is_refused(examined, check):
    folder = current(examined.state_dir / "lists")
    path = folder / min(read_meta(folder).files)
    path.chmod(0o600)
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(IndexRefused):
        check(examined)


@pytest.mark.parametrize("check", [check_floor, check_lists])
def test_lists_that_were_never_compiled_are_refused(examined, check):
    (examined.state_dir / "lists" / "current").unlink()
    with pytest.raises(IndexRefused):
        check(examined)
