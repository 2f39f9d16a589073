from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from tests.usage_log.records import record
from tests.usage_log.stored import before
from usage_log.day_files import DayRefused, day_of, day_path
from usage_log.day_store import DayStore
from usage_log.frames import Stamped
from usage_log.segments import Placed

if TYPE_CHECKING:
    from pathlib import Path

NOON = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()) * 1_000_000
DAY = date(2026, 11, 22)


def placed(*seqs: int) -> list[Placed]:
    return [Placed(seq * 100, Stamped("n1", 0, 1, seq, record(time=NOON + seq))) for seq in seqs]


def seqs(directory: Path, day: date = DAY) -> list[int]:
    database = sqlite3.connect(day_path(directory, day))
    found = [row[0] for row in database.execute("SELECT seq FROM decision ORDER BY rowid")]
    database.close()
    return found


async def test_frames_that_come_again_are_skipped_per_segment(tmp_path: Path) -> None:
    async with DayStore(tmp_path) as store:
        assert [one.seq for one in await store.add(DAY, "a.seg", placed(1, 2))] == [1, 2]
        assert [one.seq for one in await store.add(DAY, "a.seg", placed(1, 2, 3))] == [3]
        assert [one.seq for one in await store.add(DAY, "b.seg", placed(1))] == [1]
    async with DayStore(tmp_path) as store:
        assert await store.add(DAY, "a.seg", placed(1, 2, 3)) == []
        assert await store.checkpoint(DAY)
    assert seqs(tmp_path) == [1, 2, 3, 1]


async def test_every_field_comes_back(tmp_path: Path) -> None:
    sent = record(
        time=NOON,
        category="pornography",
        list="ut1",
        unblock="u1",
        detail="\\udcff",
        page="x.test",
        search_terms="otters",
    )
    async with DayStore(tmp_path) as store:
        await store.add(DAY, "a.seg", [Placed(1, Stamped("n1", 2, 3, 4, sent))])
    database = sqlite3.connect(day_path(tmp_path, DAY))
    database.row_factory = sqlite3.Row
    row = dict(database.execute("SELECT * FROM decision").fetchone())
    database.close()
    assert row == {"node": "n1", "worker": 2, "boot": 3, "seq": 4} | {
        name: getattr(sent, name) for name in sent.__slots__
    }


async def test_a_day_that_an_older_version_began_is_brought_up_and_goes_on(tmp_path: Path) -> None:
    before(tmp_path, DAY, record(time=NOON))
    async with DayStore(tmp_path) as store:
        frames = [Placed(50, Stamped("n1", 0, 1, 2, record(time=NOON + 1, search_terms="otters")))]
        assert [one.seq for one in await store.add(DAY, "b.seg", frames)] == [2]
    database = sqlite3.connect(day_path(tmp_path, DAY))
    assert list(database.execute("SELECT seq, search_terms FROM decision ORDER BY rowid")) == [(1, None), (2, "otters")]
    assert database.execute("PRAGMA user_version").fetchone() == (2,)
    database.close()


async def test_only_the_owner_may_read_a_day(tmp_path: Path) -> None:
    async with DayStore(tmp_path / "log") as store:
        await store.add(DAY, "a.seg", placed(1))
        files = list((tmp_path / "log").iterdir())
        assert len(files) == 3  # with -wal and -shm
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        ("PRAGMA user_version = 3", "schema is 3, this version knows 2: update"),
        ("CREATE TABLE other (x)", "no day file of Breakwater: move it away"),
    ],
)
async def test_a_file_of_another_make_is_refused_and_not_touched(tmp_path: Path, statements: str, why: str) -> None:
    path = day_path(tmp_path, DAY)
    database = sqlite3.connect(path)
    database.executescript(statements)
    database.close()
    before = path.read_bytes()
    async with DayStore(tmp_path) as store:
        with pytest.raises(DayRefused, match=why) as refused:
            await store.add(DAY, "a.seg", placed(1))
        await store.add(date(2026, 11, 23), "a.seg", placed(2))
    assert "\n" not in str(refused.value)
    assert path.read_bytes() == before


async def test_a_locked_day_raises_and_takes_the_frames_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usage_log.day_store._BUSY", 0.05)
    async with DayStore(tmp_path) as store:
        await store.add(DAY, "a.seg", placed(1))
        other = sqlite3.connect(day_path(tmp_path, DAY), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            await store.add(DAY, "a.seg", placed(1, 2))
        other.execute("ROLLBACK")
        other.close()
        await store.add(DAY, "a.seg", placed(1, 2))
    assert seqs(tmp_path) == [1, 2]


async def test_a_row_that_fails_takes_its_whole_batch_back(tmp_path: Path) -> None:
    broken = Placed(300, Stamped("n1", 0, 1, 3, record(time=NOON, host=None)))
    async with DayStore(tmp_path) as store:
        with pytest.raises(sqlite3.IntegrityError):
            await store.add(DAY, "a.seg", [*placed(1, 2), broken])
        assert [one.seq for one in await store.add(DAY, "a.seg", placed(1, 2))] == [1, 2]
    assert seqs(tmp_path) == [1, 2]


async def test_a_checkpoint_that_a_reader_holds_back_is_not_done(tmp_path: Path) -> None:
    async with DayStore(tmp_path) as store:
        await store.add(DAY, "a.seg", placed(1))
        reader = sqlite3.connect(day_path(tmp_path, DAY), isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM decision").fetchone()
        await store.add(DAY, "a.seg", placed(2))
        assert not await store.checkpoint(DAY)
        reader.close()
        assert await store.checkpoint(DAY)


async def test_a_file_that_is_removed_while_it_is_open_is_made_again_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with DayStore(tmp_path) as store:
        await store.add(DAY, "a.seg", placed(1))
        day_path(tmp_path, DAY).unlink()
        await store.add(DAY, "a.seg", placed(1, 2))
        assert "was removed or replaced" in caplog.text
    assert seqs(tmp_path) == [1, 2]


async def test_files_stay_few_however_many_days_come(tmp_path: Path) -> None:
    async with DayStore(tmp_path) as store:
        for number in range(1, 12):
            await store.add(date(2026, 11, number), "a.seg", placed(number))
        assert len(store._days) == 3
    assert day_of(NOON) == DAY
