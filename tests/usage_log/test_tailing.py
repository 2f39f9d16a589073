from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sqlite3
import time
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.usage_log.records import record
from usage_log.day_files import DayRefused, day_path
from usage_log.day_store import DayStore
from usage_log.frames import Stamped, encode
from usage_log.metrics import Metrics
from usage_log.spool import Spool
from usage_log.tailing import Collector, RetentionUnknown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from usage_log.segments import Placed

MIDNIGHT = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp()) * 1_000_000
SMALL = 8192


class Place:
    """A state directory with a collector that a test steps by hand."""

    def __init__(self, root: Path) -> None:
        self.spool = root / "spool"
        self.log = root / "log"
        self.metrics = Metrics()
        self.store = DayStore(self.log)
        self.spool.mkdir(exist_ok=True)
        self.collector = Collector(self.spool, self.log, self.store, self.metrics)

    def again(self) -> Collector:
        """A collector that knows nothing of what the last one did, as after a kill."""
        return Collector(self.spool, self.log, self.store, self.metrics)

    def seqs(self, day: date) -> list[int]:
        database = sqlite3.connect(day_path(self.log, day))
        found = [row[0] for row in database.execute("SELECT seq FROM decision ORDER BY rowid")]
        database.close()
        return found

    def figure(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"breakwater_{name}")

    def segments(self) -> list[Path]:
        return sorted(self.spool.glob("*.seg"))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(tmp_path)
    async with place.store:
        yield place


async def test_records_around_midnight_go_to_their_utc_day_and_count_once_after_a_crash(place: Place) -> None:
    spool = Spool(place.spool, "n1", 0, 10**6, SMALL)
    for offset in (-2, -1, 1, -1, 2):  # a clock may be stepped back, and a late row keeps its day
        spool.append(record(time=MIDNIGHT + offset * 1000))
    await place.collector.sweep()
    spool.append(record(time=MIDNIGHT - 1))
    spool.append(record(time=MIDNIGHT + 1))
    await place.again().sweep()
    assert place.seqs(date(2026, 11, 22)) == [1, 2, 4, 6]
    assert place.seqs(date(2026, 11, 23)) == [3, 5, 7]
    spool.close()


async def test_one_day_that_fails_in_a_batch_is_made_good_without_doubling_the_other(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(place.spool, "n1", 0, 10**6, SMALL)
    for offset in (-1, 1):
        spool.append(record(time=MIDNIGHT + offset))
    real = place.store.add

    async def full(day: date, *rest: object) -> object:
        if day == date(2026, 11, 23):
            raise sqlite3.OperationalError("database or disk is full")
        return await real(day, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(place.store, "add", full)
        await place.collector.sweep()
        await place.collector.sweep()
    assert place.figure("collector_troubles_total") == 2
    await place.collector.sweep()
    assert place.seqs(date(2026, 11, 22)) == [1]
    assert place.seqs(date(2026, 11, 23)) == [2]
    spool.close()


async def test_rows_that_a_power_cut_took_back_come_again_from_the_segment(place: Place, tmp_path: Path) -> None:
    spool = Spool(place.spool, "n1", 0, 10**6, SMALL)
    spool.append(record(time=MIDNIGHT))
    await place.collector.sweep()
    assert await place.store.checkpoint(date(2026, 11, 23))
    spool.append(record(time=MIDNIGHT))
    await place.collector.sweep()
    shutil.copytree(tmp_path / "log", tmp_path / "after" / "log", ignore=shutil.ignore_patterns("*-wal", "*-shm"))
    shutil.copytree(place.spool, tmp_path / "after" / "spool")
    after = Place(tmp_path / "after")
    assert after.seqs(date(2026, 11, 23)) == [1]
    async with after.store:
        await after.collector.sweep()
        await after.collector.sweep()
    assert after.seqs(date(2026, 11, 23)) == [1, 2]
    assert after.segments() == []
    spool.close()


async def test_a_segment_goes_only_when_its_writer_is_gone_and_its_rows_are_on_the_disk(place: Place) -> None:
    spool = Spool(place.spool, "n1", 0, 10**6, SMALL)
    spool.append(record(time=MIDNIGHT))
    await place.collector.sweep()
    assert len(place.segments()) == 2
    reader = sqlite3.connect(day_path(place.log, date(2026, 11, 23)), isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM decision").fetchone()
    spool.append(record(time=MIDNIGHT))
    spool.close()
    await place.collector.sweep()
    assert len(place.segments()) == 1  # the reader keeps a part of the write-ahead log
    reader.close()
    await place.collector.sweep()
    assert place.segments() == []
    assert place.seqs(date(2026, 11, 23)) == [1, 2]


async def test_a_worker_that_died_with_unused_segments_leaves_nothing(place: Place) -> None:
    (place.spool / "0000000000000001-000-000001.seg").write_bytes(bytes(SMALL))
    (place.spool / "0000000000000001-000-000002.seg").write_bytes(b"")
    await place.collector.sweep()
    assert place.segments() == []


async def test_a_damaged_segment_gives_its_good_records_and_a_file_and_is_counted(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    frames = [encode(Stamped("n1", 0, 1, seq, record(time=MIDNIGHT))) for seq in (1, 2, 3)]
    torn = bytes(10) + frames[1][10:]
    (place.spool / "0000000000000001-000-000001.seg").write_bytes(frames[0] + torn + frames[2] + bytes(500))
    for _ in range(4):
        await place.collector.sweep()
    assert place.seqs(date(2026, 11, 23)) == [1, 3]
    assert place.segments() == []
    (kept,) = (place.spool / "corrupt").iterdir()
    assert kept.read_bytes() == torn
    assert place.figure("spool_corrupt_total") == 1
    assert caplog.text.count("damaged at byte") == 1
    assert "jane.roe" not in caplog.text


async def test_a_day_of_a_newer_schema_keeps_its_segments_and_holds_up_no_other(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.log.mkdir(exist_ok=True)
    newer = sqlite3.connect(day_path(place.log, date(2026, 11, 22)))
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    spools = [Spool(place.spool, "n1", number, 10**6, SMALL) for number in (0, 1)]
    spools[0].append(record(time=MIDNIGHT - 1))
    spools[1].append(record(time=MIDNIGHT))
    for spool in spools:
        spool.close()
    await place.collector.sweep()
    assert len(place.segments()) == 1
    assert place.seqs(date(2026, 11, 23)) == [1]
    assert "its schema is 99" in caplog.text
    day_path(place.log, date(2026, 11, 22)).unlink()
    await place.collector.sweep()
    assert place.segments() == []
    assert "being stored again" in caplog.text


async def test_trouble_is_said_once_and_tried_ever_less_often(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waits: list[float] = []
    stop = asyncio.Event()

    async def locked(*_: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    async def wait(_: asyncio.Event, seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 10:
            stop.set()

    spool = Spool(place.spool, "n1", 0, 10**6, SMALL)
    spool.append(record())
    monkeypatch.setattr(place.store, "add", locked)
    monkeypatch.setattr("usage_log.tailing._wait_for", wait)
    monkeypatch.setattr("usage_log.tailing.DRAIN", 0.3)
    await place.collector.run(stop, lambda: None)
    assert waits == sorted(waits)
    assert waits[-1] == 5.0
    assert caplog.text.count("database is locked") == 1
    assert "records left in the spool" in caplog.text
    monkeypatch.undo()
    await place.collector.sweep()
    assert place.seqs(datetime.now(UTC).date()) == [1]
    spool.close()


async def worked(place: Place, monkeypatch: pytest.MonkeyPatch, spool: Spool) -> list[int]:
    """Run a collector until it has waited five times, with one more record in each wait; rows stored at each wait."""
    stored: list[int] = []
    stop = asyncio.Event()

    async def wait(_: asyncio.Event, seconds: float) -> None:
        assert seconds < 0.5  # a record has to be in the log within a second
        stored.append(len(place.seqs(date(2026, 11, 23))))
        spool.append(record(time=MIDNIGHT))
        if len(stored) == 5:
            stop.set()

    monkeypatch.setattr("usage_log.tailing._wait_for", wait)
    await place.collector.run(stop, lambda: None)
    return stored


async def test_records_that_never_end_are_stored_many_at_a_time_and_not_one_by_one(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(place.spool, "n1", 0, 10**6, 100_000)
    spool.append(record(time=MIDNIGHT))
    stores, real = 0, place.store.add

    async def beside(*rest: object) -> object:
        nonlocal stores
        stores += 1
        if stores < 100:
            spool.append(record(time=MIDNIGHT))  # a worker that goes on while rows are stored
        return await real(*rest)  # type: ignore[arg-type]

    monkeypatch.setattr(place.store, "add", beside)
    assert await worked(place, monkeypatch, spool) == [1, 3, 5, 7, 9]
    spool.close()


async def test_a_collector_that_is_behind_does_not_wait_between_two_reads(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(place.spool, "n1", 0, 10**8, 4_000_000)
    for _ in range(400):
        spool.append(record(time=MIDNIGHT, path="/" + "a" * 4000))  # three times what one read brings
    assert await worked(place, monkeypatch, spool) == [400, 401, 402, 403, 404]
    spool.close()


async def test_a_backlog_is_stored_and_deleted_one_segment_after_the_other(place: Place) -> None:
    """Side by side, all of it had to be stored before anything was deleted: a small disk has no room for that."""
    spools = [Spool(place.spool, "n1", number, 10**8, 2_000_000) for number in (0, 1)]
    for spool in spools:
        for _ in range(1200):
            spool.append(record(time=MIDNIGHT, path="/" + "a" * 4000))
            spool.prepare()
        spool.close()
    assert len(place.segments()) == 6
    left = []
    while place.segments():
        await place.collector.sweep()
        left.append(len(place.segments()))
    assert {6, 4, 2, 0} <= set(left)
    assert left.index(4) < len(left) // 2
    assert len(place.seqs(date(2026, 11, 23))) == 2400


async def test_a_segment_that_cannot_be_stored_holds_up_no_later_one(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(place.spool, "n1", 0, 10**8, 2_000_000)
    for _ in range(600):
        spool.append(record(time=MIDNIGHT, path="/" + "a" * 4000))
        spool.prepare()
    spool.close()
    first, second = place.segments()
    real = place.store.add

    async def refused(day: date, segment: str, frames: list[Placed]) -> list[Stamped]:
        if segment == first.name:
            raise DayRefused("of a newer schema")
        return await real(day, segment, frames)

    monkeypatch.setattr(place.store, "add", refused)
    for _ in range(20):
        await place.collector.sweep()
    assert not second.exists()
    assert place.segments() == [first]


async def test_a_segment_with_many_stretches_of_damage_is_passed_without_a_wait_for_each(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [encode(Stamped("n1", 9, 1, seq, record(time=MIDNIGHT))) for seq in range(1, 11)]
    (place.spool / "0000000000000001-009-000001.seg").write_bytes(b"\xee".join(frames))
    spool = Spool(place.spool, "n1", 0, 10**6, SMALL)
    assert (await worked(place, monkeypatch, spool))[0] == 10
    spool.close()


async def test_figures_say_how_far_behind_the_collector_is(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(place.spool, "n1", 0, 10**6, SMALL)
    spool.append(record(time=time.time_ns() // 1000 - 60_000_000))

    async def locked(*_: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(place.store, "add", locked)
        await place.collector.sweep()
    assert place.figure("spool_backlog_bytes") == SMALL
    assert 60 <= (place.figure("spool_oldest_unread_seconds") or 0) < 600
    await place.collector.sweep()
    assert place.figure("spool_backlog_bytes") == 0
    assert place.figure("spool_oldest_unread_seconds") == 0
    assert (place.figure("last_commit_timestamp_seconds") or 0) > time.time() - 600
    spool.close()


async def test_what_is_no_file_is_left_alone_and_said_once_with_its_path(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    folder, link = place.spool / "0-folder.seg", place.spool / "0-link.seg"
    folder.mkdir()
    link.symlink_to(place.spool / "elsewhere")
    (place.spool / "folder.new").mkdir()
    os.utime(place.spool / "folder.new", (0, 0))
    spool = Spool(place.spool, "n1", 0, 10**6, SMALL)
    spool.append(record(time=MIDNIGHT))
    spool.close()
    assert await place.collector.sweep()
    await place.collector.sweep()
    await place.store.open(date(1999, 1, 1))
    await place.collector.housekeeping(lambda: "90d")
    assert not day_path(place.log, date(1999, 1, 1)).exists()
    assert place.collector.trouble is None
    assert place.segments() == [folder, link]
    for path in (folder, link):
        assert caplog.text.count(f"{path}: this is no file, so no records are read from it: move it away") == 1


async def test_a_segment_that_cannot_be_opened_is_a_trouble_with_its_path(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(place.spool, "n1", 0, 10**6, SMALL)
    spool.append(record(time=MIDNIGHT))

    def denied(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("usage_log.tailing.has_news", denied)
        patch.setattr("usage_log.tailing.read_chunk", denied)
        await place.collector.sweep()
    assert "Permission denied" in str(place.collector.trouble)
    assert str(place.spool) in str(place.collector.trouble)
    assert await place.collector.sweep()
    spool.close()


async def test_days_over_their_retention_are_deleted_and_said(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    today = datetime.now(UTC).date()
    old, young = today - timedelta(days=92), today - timedelta(days=90)
    for day in (old, young):
        await place.store.open(day)
    await place.collector.housekeeping(lambda: "90d")
    assert [path.name for path in sorted(place.log.glob("*.db*")) if path.name.startswith(str(old))] == []
    assert day_path(place.log, young).exists()
    assert f"deleted the records of {old}: retention 90d" in caplog.text


@pytest.mark.parametrize("error", [RetentionUnknown("revision 3 was changed"), OSError(5, "Input/output error")])
async def test_without_a_rule_nothing_is_deleted(
    place: Place, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def unknown() -> str | None:
        raise error

    await place.store.open(date(1999, 1, 1))
    await place.collector.housekeeping(unknown)
    await place.collector.housekeeping(lambda: None)
    await place.collector.housekeeping(lambda: "soon")
    assert day_path(place.log, date(1999, 1, 1)).exists()
    assert caplog.text.count("housekeeping: ") == 2
