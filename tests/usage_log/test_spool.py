from __future__ import annotations

import errno
import fcntl
import os
import resource
import stat
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tests.usage_log.records import record
from usage_log.frames import Stamped, decode
from usage_log.record import unrecorded_row
from usage_log.spool import Spool, SpoolFull, used_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from usage_log.record import DecisionRecord

SMALL = 4096  # bytes of a segment: some twenty records


def stored(directory: Path) -> list[Stamped]:
    frames: list[Stamped] = []
    for path in sorted(directory.glob("*.seg")):
        data, start = path.read_bytes(), 0
        while start < len(data) and data[start : start + 4].strip(b"\0"):
            frame, start = decode(data, start)
            frames.append(frame)
    return frames


def fill(spool: Spool) -> None:
    for _ in range(1000):
        spool.append(record())


def taken(append: Callable[[DecisionRecord], None], one: DecisionRecord) -> int:
    """How many such records are taken until one is refused."""
    for count in range(10**6):
        try:
            append(one)
        except SpoolFull:
            return count
    raise AssertionError("nothing is ever full")


def test_records_are_stamped_without_gaps_across_segments(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "n1", 3, 10**6, SMALL)
    sent = [record(path=f"/{number}") for number in range(100)]
    for one in sent:
        spool.append(one)
        spool.prepare()
    spool.close()
    got = stored(tmp_path)
    assert [frame.record for frame in got] == sent
    assert [frame.seq for frame in got] == list(range(1, 101))
    assert {(frame.node, frame.worker, frame.boot) for frame in got} == {("n1", 3, spool.boot)}
    assert len(list(tmp_path.glob("*.seg"))) > 4


def test_every_start_of_a_worker_is_a_later_boot(tmp_path: Path) -> None:
    boots = []
    for _ in range(3):
        spool = Spool(tmp_path, "n1", 0, 10**6, SMALL)
        boots.append(spool.boot)
        spool.close()
    assert boots == sorted(set(boots))


def test_only_the_owner_may_read_and_the_collector_sees_who_still_writes(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "n1", 0, 10**6, SMALL)
    spool.append(record())
    (first, _) = sorted((tmp_path / "spool").glob("*.seg"))
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.parent.stat().st_mode) == 0o700
    with first.open("rb") as reader:
        with pytest.raises(BlockingIOError):
            fcntl.flock(reader, fcntl.LOCK_SH | fcntl.LOCK_NB)
        spool.close()
        fcntl.flock(reader, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_a_full_quota_stops_new_requests_first_and_records_last(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "n1", 0, 2 * SMALL, SMALL)
    taken = 0
    while spool.has_room:
        spool.append(record())
        spool.prepare()
        taken += 1
    assert used_bytes(tmp_path) == 2 * SMALL
    spool.append(record())  # what is in flight still fits
    with pytest.raises(SpoolFull, match="quota"):
        fill(spool)
    assert not spool.has_room
    assert spool.problem is not None
    assert len(stored(tmp_path)) > taken + 1 > 10
    min(tmp_path.glob("*.seg")).unlink()  # the collector has stored it
    spool.prepare()
    assert spool.has_room
    spool.append(record())
    spool.close()


def test_half_a_segment_is_kept_for_what_is_under_way_when_there_is_no_more_room(tmp_path: Path) -> None:
    size = 8 * 1024 * 1024
    spool = Spool(tmp_path, "n1", 0, 2 * size, size)
    while spool.has_room:
        for _ in range(200):
            spool.append(record())
        spool.prepare()
    assert spool.problem is not None
    # The whole segment is there when the next cannot be had, and half of it may say that requests are refused.
    assert taken(spool.append_sparing, record(action="block", reason="error.usage-log")) > 10_000
    for _ in range(10_000):
        spool.append(record(path="/" + "x" * 64))
    spool.close()


def test_a_segment_that_is_late_blocks_before_the_last_half_is_used(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "n1", 0, 10**6, SMALL)
    while spool.has_room:  # nobody prepares: the disk is slow, not full
        spool.append(record())
    assert spool.problem is None
    with pytest.raises(SpoolFull, match="not ready"):
        spool.append_sparing(record())
    assert taken(spool.append, record()) >= SMALL // 2 // 300
    spool.prepare()
    assert spool.has_room
    spool.close()


def test_a_last_row_always_has_its_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "n" * 64, 0, 2 * SMALL, SMALL)
    last = unrecorded_row(10**17, 2**52, 2**31)
    assert taken(spool.append, last) > 5
    spool.append_last(last)
    spool.close()
    assert stored(tmp_path)[-1].record == last


def test_a_spool_that_cannot_have_a_first_segment_blocks_and_recovers(tmp_path: Path) -> None:
    ballast = tmp_path / "0000000000000000-000-000001.seg"
    ballast.write_bytes(b"\0" * SMALL)
    spool = Spool(tmp_path, "n1", 0, SMALL, SMALL)
    assert not spool.has_room
    with pytest.raises(SpoolFull):
        spool.append(record())
    ballast.unlink()
    spool.prepare()
    assert spool.has_room
    spool.append(record())
    spool.close()
    assert [frame.seq for frame in stored(tmp_path)] == [1]


def test_a_small_volume_keeps_room_for_the_collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def volume(free: int) -> None:
        usage = SimpleNamespace(total=60 * SMALL, used=60 * SMALL - free, free=free)
        monkeypatch.setattr("usage_log.spool.shutil.disk_usage", lambda _: usage)

    def problem() -> str | None:
        spool = Spool(tmp_path, "n1", 0, 10**6, SMALL)
        said = spool.problem
        spool.close()
        return said

    volume(3 * SMALL)  # storing a segment takes more than its size before it can be deleted
    assert problem() is None
    volume(3 * SMALL - 1)
    assert str(problem()).endswith(f"only {3 * SMALL - 1} bytes are free on the volume, of {3 * SMALL} that it takes")
    (tmp_path / "0000000000000001-001-000001.seg").touch()  # of another writer, stored at the same time
    volume(4 * SMALL - 1)
    assert str(problem()).endswith(f"of {4 * SMALL} that it takes")
    monkeypatch.setattr("usage_log.spool._RESERVE", 2 * SMALL)  # what a crash loop leaves never asks for more than that
    assert problem() is None


def test_a_disk_that_refuses_more_is_met_while_preparing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL // 2, hard))
    try:
        spool = Spool(tmp_path, "n1", 0, 10**6, SMALL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert spool.problem == "no room for the next segment: File too large"
    assert not spool.has_room
    assert list(tmp_path.iterdir()) == []
    spool.close()


@pytest.mark.parametrize("written", [0, 7, None], ids=["nothing", "a part", "an error"])
def test_a_write_that_fails_refuses_the_record_and_leaves_the_ones_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int | None
) -> None:
    spool = Spool(tmp_path, "n1", 0, 10**6, SMALL)
    spool.append(record(path="/1"))
    real = os.write

    def short(fd: int, data: bytes) -> int:
        if written is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data[:written])

    with monkeypatch.context() as patch:
        patch.setattr("usage_log.spool.os.write", short)
        with pytest.raises(SpoolFull):
            spool.append(record(path="/refused"))
    spool.append(record(path="/2"))
    spool.close()
    good = [decode(path.read_bytes())[0] for path in sorted(tmp_path.glob("*.seg"))]
    assert [(frame.seq, frame.record.path) for frame in good] == [(1, "/1"), (2, "/2")]


def test_an_unused_segment_is_removed_at_the_end_and_appending_then_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "n1", 0, 10**6, SMALL)
    spool.append(record())
    spool.sync()
    spool.close()
    assert len(list(tmp_path.iterdir())) == 1
    assert not spool.has_room
    with pytest.raises(SpoolFull):
        spool.append(record())


def test_a_quota_counts_the_segments_of_its_own_worker_number(tmp_path: Path) -> None:
    workers = [Spool(tmp_path, "n1", number, 2 * SMALL, SMALL) for number in range(3)]
    assert [spool.has_room for spool in workers] == [True] * 3
    for spool in workers:
        spool.append(record())
        spool.close()
    assert used_bytes(tmp_path) == 3 * SMALL
    again = Spool(tmp_path, "n1", 1, 2 * SMALL, SMALL)  # one segment of its last boot is not yet collected
    assert again.problem is not None
    again.close()
