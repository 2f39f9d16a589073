from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from categories.sources import ListSource
from categories.update import compile_generation
from config.revisions import Revisions
from proxy.list_watch import ListWatch
from tests.proxy.doctor_district import district
from usage_log.list_figures import ListFigures

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def state(tmp_path):
    """A filter with a list of the floor that is 20 days old, and one of gambling that is as old; limits of 14 days."""
    config = district(tmp_path)
    sources = [listed(tmp_path, "adult", "pornography"), listed(tmp_path, "bets", "gambling")]
    lines = (f"  - {{name: {s.name}, format: domains, path: {s.path}, category: {s.category}, stale_after: 14d}}"
             for s in sources)  # fmt: skip
    config.write_text(config.read_text() + "lists:\n" + "\n".join(lines))
    Revisions(tmp_path / "state").apply(config, "ann", "lists", NOW)
    compile_generation(sources, tmp_path / "state" / "lists")
    return tmp_path / "state"


def listed(folder, name, category, age=20):
    path = folder / f"{name}.txt"
    path.write_text(f"{name}.test\n")
    os.utime(path, ((NOW - age * DAY).timestamp(),) * 2)
    return ListSource(name, "domains", path=path, category=category)


def alarms(caplog):
    return [line for line in caplog.messages if "is stale" in line]


def test_a_stale_list_of_the_floor_is_said_once_a_day_and_no_other(state, caplog):
    watch = ListWatch(state)
    for hours in (0, 1, 23):
        watch.look(NOW + timedelta(hours=hours))
    assert alarms(caplog) == [
        "list adult (pornography) is stale: 20 days old, its limit is 14; it keeps blocking; "
        "run: breakwater lists update, and see what keeps it from coming"
    ]
    watch.look(NOW + DAY)
    assert [line.split(": ")[1] for line in alarms(caplog)[1:]] == [
        "21 days old, its limit is 14; it keeps blocking; run"
    ]


def test_a_list_that_becomes_stale_while_the_filter_runs_is_said(state, caplog):
    watch = ListWatch(state)
    watch.look(NOW - 7 * DAY)
    assert alarms(caplog) == []
    watch.look(NOW - 5 * DAY)
    assert len(alarms(caplog)) == 1


def test_new_lists_end_the_alarm(state, tmp_path, caplog):
    watch = ListWatch(state)
    watch.look(NOW)
    sources = [listed(tmp_path, "adult", "pornography", age=0), listed(tmp_path, "bets", "gambling")]
    compile_generation(sources, state / "lists")
    watch.look(NOW + 2 * DAY)
    assert len(alarms(caplog)) == 1


def test_the_collector_reads_what_it_writes_and_it_is_written_again_when_it_changes(state, tmp_path):
    watch, registry = ListWatch(state), CollectorRegistry()
    registry.register(ListFigures(state / "run" / "lists.json"))
    watch.look(NOW)
    figures = {
        ("breakwater_list_stale", "adult", "floor", "true"): 1.0,
        ("breakwater_list_stale", "bets", "floor", "false"): 1.0,
        ("breakwater_list_stale", "starter", "floor", "true"): 0.0,
        ("breakwater_list_entries", "adult", "category", "pornography"): 1.0,
    }
    for (name, listed_as, label, value), expected in figures.items():
        assert registry.get_sample_value(name, {"list": listed_as, label: value}) == expected
    generation = json.loads((state / "run" / "lists.json").read_text())["generation"]
    assert (state / "lists" / "current").read_text().strip() == generation
    compile_generation([listed(tmp_path, "adult", "pornography", age=0)], state / "lists")
    watch.look(NOW)
    assert json.loads((state / "run" / "lists.json").read_text())["generation"] != generation
    assert registry.get_sample_value("breakwater_list_stale", {"list": "adult", "floor": "true"}) == 0.0


def test_it_is_private_and_written_only_when_something_changes(state):
    watch, path = ListWatch(state), state / "run" / "lists.json"
    watch.look(NOW)
    assert path.stat().st_mode & 0o777 == 0o600
    first = path.stat().st_ino, path.stat().st_mtime_ns
    watch.look(NOW)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == first


def _no_lists(state):
    (state / "lists" / "current").unlink()


def _broken_pointer(state):
    (state / "lists" / "current").write_text("nonsense\n")


def _broken_meta(state):
    folder = state / "lists" / "generations" / (state / "lists" / "current").read_text().strip()
    (folder / "meta.json").chmod(0o600)
    (folder / "meta.json").write_text("{")
    (state / "lists" / "current").write_text(f"{folder.name} \n")


def _tampered_settings(state):
    for path in (state / "config" / "revisions").rglob("*.yaml"):
        path.chmod(0o600)
        path.write_text("{}")
    (state / "config" / "current").touch()
    (state / "lists" / "current").write_text((state / "lists" / "current").read_text().strip())


def _no_room(state):
    for path in (state / "run").iterdir():
        path.unlink()
    (state / "run").rmdir()
    (state / "run").write_text("")
    (state / "lists" / "current").write_text((state / "lists" / "current").read_text().strip())


@pytest.mark.parametrize("breaks", [_no_lists, _broken_pointer, _broken_meta, _tampered_settings, _no_room])
def test_what_cannot_be_read_or_written_is_said_once_and_the_alarm_stays(state, caplog, breaks):
    watch = ListWatch(state)
    watch.look(NOW)
    breaks(state)
    for _ in range(3):
        watch.look(NOW + DAY)
    assert caplog.text.count("the metrics of the lists are not current: ") == 1
    assert len(alarms(caplog)) == 2


async def test_it_looks_again_and_again_until_it_is_cancelled(state, monkeypatch):
    looks, enough = [], asyncio.Event()
    loop = asyncio.get_running_loop()

    def look(_, now):
        looks.append(now)
        if len(looks) == 3:
            loop.call_soon_threadsafe(enough.set)

    monkeypatch.setattr("proxy.list_watch._LOOK_SECONDS", 0.0)
    monkeypatch.setattr(ListWatch, "look", look)
    watching = asyncio.create_task(ListWatch(state).run())
    async with asyncio.timeout(30):
        await enough.wait()
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert looks == sorted(looks)
