"""From stored records to an alert: the row, the line, the figure; settings that change, a spool without room."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from config.revisions import Revisions
from tests.usage_log.records import record
from usage_log import attempt_watch
from usage_log.attempt_alerts import told_of
from usage_log.attempt_watch import AttemptWatch
from usage_log.day_reader import Filter
from usage_log.day_store import DayStore
from usage_log.metrics import Metrics
from usage_log.queries import audit_rows
from usage_log.spool import Spool, SpoolFull
from usage_log.tailing import Collector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from usage_log.queries import LogRow
    from usage_log.record import DecisionRecord

DISTRICT = """district: {{name: Example Unified}}
retention: {{records: 90d, evidence: 10y, cases: 10y}}
starter_only: true
state_dir: {folder}
attempts: {{count: {count}, minutes: 10}}
"""


class Place:
    """A state directory, a worker's spool, and a collector with its watch, which a test steps by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metrics = Metrics()
        self.store = DayStore(folder / "log")
        (folder / "spool").mkdir()
        self.worker = Spool(folder / "spool", "n1", 0, 10**6, 2**16)
        self.begin()

    def begin(self) -> None:
        """A collector that knows nothing of what the last one did."""
        self.watch = AttemptWatch(self.folder, self.metrics.attempt_alerts)
        self.collector = Collector(self.folder / "spool", self.folder / "log", self.store, self.metrics, self.watch.see)

    def apply(self, count: int) -> None:
        file = self.folder / "district.yaml"
        file.write_text(DISTRICT.format(folder=self.folder, count=count))
        Revisions(self.folder).apply(file, "its.one", "a test", datetime.now(UTC))

    def tries(self, *pages: str, user: str = "ana") -> list[DecisionRecord]:
        rows = [
            record(action="block", reason="category.gambling", host="casino.test", path=f"/{page}", user=user)
            for page in pages
        ]
        for row in rows:
            self.worker.append(row)
        return rows

    async def step(self) -> None:
        """Enough of both for a record to be stored, counted, told, and stored again."""
        for _ in range(3):
            await self.collector.sweep()
            await self.watch.look(self.collector.caught_up)

    def alerts(self) -> list[LogRow]:
        return list(audit_rows(self.folder, Filter(reason="attempts")))

    def figure(self) -> float | None:
        return self.metrics.registry.get_sample_value("breakwater_attempt_alerts_total")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(tmp_path)
    place.apply(3)
    async with place.store:
        yield place
    place.worker.close()


async def test_an_alert_is_a_row_a_line_and_a_figure(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    rows = place.tries("a", "b", "b", "c")
    await place.step()
    [row] = place.alerts()
    told = told_of(row.record.detail)
    assert told is not None
    assert (told.attempts, told.minutes) == (3, 10)
    assert told.records == (rows[0].id, rows[2].id, rows[3].id)
    assert row.record.policy_revision == 1
    assert place.figure() == 1
    [line] = [message for message in caplog.messages if "repeated" in message]
    assert row.record.user is not None
    assert row.record.user in line
    assert not any(word in line + str(row) for word in ("ana", "casino", "10.1.2.3"))


async def test_there_is_one_alert_however_often_it_goes_on(place: Place) -> None:
    for number in range(9):
        place.tries(str(number), f"{number}x")
        await place.step()
    assert len(place.alerts()) == 1
    assert place.figure() == 1


async def test_a_new_collector_neither_forgets_nor_repeats(place: Place) -> None:
    place.tries("a", "b")
    await place.step()
    place.begin()
    place.tries("c")
    await place.step()
    assert len(place.alerts()) == 1
    place.begin()
    place.tries("d", "e", "f")
    await place.step()
    assert len(place.alerts()) == 1


async def test_an_alert_that_waits_in_the_spool_is_not_told_again(place: Place) -> None:
    """The collector was killed between writing the alert and storing it."""
    place.tries("a", "b", "c")
    await place.collector.sweep()
    await place.watch.look(caught_up=True)
    assert place.alerts() == []
    place.begin()
    await place.step()
    assert len(place.alerts()) == 1


async def test_nothing_is_told_before_the_spool_is_read(place: Place) -> None:
    place.tries("a", "b", "c")
    await place.watch.look(place.collector.caught_up)
    assert not place.collector.caught_up
    assert place.figure() == 0


async def test_the_settings_that_are_applied_last_count(place: Place) -> None:
    place.apply(0)
    place.tries("a", "b", "c", "d")
    await place.step()
    assert place.alerts() == []
    place.apply(4)
    await place.step()
    assert len(place.alerts()) == 1


async def test_settings_that_change_while_an_alert_is_owed_do_not_tell_it_twice(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise SpoolFull("no room")

    with monkeypatch.context() as patch:
        patch.setattr(attempt_watch, "record_act", full)
        await place.step()
        place.tries("a", "b", "c")
        await place.step()
    place.apply(2)
    await place.step()
    assert (len(place.alerts()), place.figure()) == (1, 1)


async def test_settings_that_change_while_an_alert_is_in_the_spool_do_not_tell_it_twice(place: Place) -> None:
    await place.step()
    place.tries("a", "b", "c")
    await place.collector.sweep()
    await place.watch.look(caught_up=True)
    assert (place.alerts(), place.figure()) == ([], 1)
    place.apply(2)
    await place.watch.look(caught_up=True)
    await place.step()
    assert (len(place.alerts()), place.figure()) == (1, 1)


async def test_settings_that_change_wait_for_what_is_in_the_spool(place: Place) -> None:
    await place.step()
    place.tries("a", "b")
    await place.collector.sweep()
    place.apply(4)
    await place.watch.look(caught_up=False)
    place.tries("c", "d")
    await place.step()
    assert len(place.alerts()) == 1


async def test_whatever_fails_is_said_without_what_it_was_about_and_tried_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(attempt_watch, "_LOOK", 0.01)
    again, failures = asyncio.Event(), [RuntimeError("ana"), ValueError("casino.test")]

    async def look(_: bool) -> None:
        if failures:
            raise failures.pop()
        again.set()

    monkeypatch.setattr(place.watch, "look", look, raising=False)
    running = asyncio.create_task(place.watch.run(lambda: True))
    async with asyncio.timeout(10):
        await again.wait()
    running.cancel()
    assert [line.rpartition(": ")[2] for line in caplog.messages] == ["ValueError", "RuntimeError"]


async def test_without_room_it_waits(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise SpoolFull("no room")

    place.tries("a", "b", "c")
    with monkeypatch.context() as patch:
        patch.setattr(attempt_watch, "record_act", full)
        await place.step()
    assert (place.alerts(), place.figure()) == ([], 0)
    await place.step()
    assert (len(place.alerts()), place.figure()) == (1, 1)


async def test_without_a_key_nobody_is_named(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    keys = place.folder / "audit-keys"
    keys.mkdir(mode=0o700)
    key = keys / f"{datetime.now(UTC):%Y-%m}.key"
    key.write_bytes(b"short")
    key.chmod(0o600)
    place.tries("a", "b", "c")
    await place.step()
    assert any(message.startswith("repeated attempts of somebody") for message in caplog.messages)
    assert place.figure() == 1


async def test_a_log_that_cannot_be_read_is_said_and_counting_begins(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    yesterday = datetime.fromtimestamp(time.time() - 86_400, UTC).date()
    for day in (yesterday, datetime.now(UTC).date()):
        (place.folder / "log" / f"{day}.db").write_bytes(b"x" * 5000)
    await place.watch.look(caught_up=True)
    assert any("attempts before now are not counted" in message for message in caplog.messages)
