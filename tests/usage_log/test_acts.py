from __future__ import annotations

import errno
import json
import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.usage_log.records import record
from tests.usage_log.stored import files_limited_to, store
from tests.usage_log.test_collector import ready, start, stop, stored
from usage_log import acts
from usage_log.acts import HOW, ListsAct, act_of, record_act, record_of
from usage_log.day_files import day_path
from usage_log.day_reader import Filter
from usage_log.frames import ACT_CAP, Stamped, decode, encode
from usage_log.queries import audit_rows
from usage_log.spool import Spool, SpoolFull

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

NOW = datetime.now(UTC)
ACT = ListsAct(
    how="update",
    author="ann",
    why="the lists of November",
    generation="000007-0123456789abcdef",
    digest="9f" * 32,
    changes={"malware": (3, 1), "pornography": (120, 4)},
)


def acts_of(state_dir: Path) -> list[ListsAct | None]:
    return [act_of(row.record.detail) for row in audit_rows(state_dir, Filter(reason="lists"))]


def put(state_dir: Path, act: ListsAct = ACT) -> None:
    record_act(state_dir / "spool", record_of(act, datetime.now(UTC), 3))


def test_an_act_is_nobodys_request_and_says_who_when_why_counts_and_digest() -> None:
    row = record_of(ACT, NOW, 3)
    assert (row.event, row.reason, row.user, row.client, row.host, row.action) == (
        "lists",
        "lists.update",
        None,
        *3 * [""],
    )
    assert (row.time, row.policy_revision) == (int(NOW.timestamp() * 1_000_000), 3)
    assert act_of(row.detail) == replace(ACT, changes={"pornography": (120, 4), "malware": (3, 1)})
    assert json.loads(row.detail or "")["author"] == "ann"


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(ValueError, match='"guess" is no way in which lists come into force: apply, compile'):
        record_of(replace(ACT, how="guess"), NOW, 1)


def test_the_collector_stores_it_once_beside_the_workers_records(
    tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    worker = Spool(tmp_path / "spool", "n1", 0, 10**7, 32 * 1024)
    worker.append(record())
    processes.append(start(tmp_path))
    ready(processes[-1])
    put(tmp_path)
    put(tmp_path, replace(ACT, how="rollback"))
    _until(lambda: len(stored(tmp_path)) == 3)
    worker.append(record())
    worker.close()
    assert stop(processes[-1])[0] == 0
    assert stored(tmp_path) == [(0, 1), (0, 2), (999, 1), (999, 1)]
    assert [act and act.how for act in acts_of(tmp_path)] == ["update", "rollback"]
    assert list((tmp_path / "spool").glob("*.seg")) == []


def test_it_waits_where_no_filter_runs_and_the_next_start_stores_it(
    tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    put(tmp_path)
    assert not (tmp_path / "log").exists()
    for _ in range(2):
        processes.append(start(tmp_path))
        ready(processes[-1])
        assert stop(processes[-1])[0] == 0
        assert len(acts_of(tmp_path)) == 1
    assert list((tmp_path / "spool").glob("*.seg")) == []


def test_a_collector_that_is_killed_again_and_again_stores_each_once(
    tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    for number in range(6):
        processes.append(start(tmp_path))
        ready(processes[-1])
        put(tmp_path, replace(ACT, why=f"update {number}"))
        processes[-1].kill()
        processes[-1].wait()
        put(tmp_path, replace(ACT, why=f"dead {number}"))
    processes.append(start(tmp_path))
    ready(processes[-1])
    assert stop(processes[-1])[0] == 0
    found = [act.why for act in acts_of(tmp_path) if act]
    assert sorted(found) == sorted([*(f"update {n}" for n in range(6)), *(f"dead {n}" for n in range(6))])


def _until(done: object) -> None:
    assert callable(done)
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("call", ["posix_fallocate", "write", "fdatasync", "fsync"])
def test_what_cannot_be_kept_is_refused_and_leaves_no_room_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(SpoolFull, match="No space left on device"):
        put(tmp_path)
    monkeypatch.undo()
    if call in ("posix_fallocate", "write"):
        assert [path for path in (tmp_path / "spool").iterdir() if _used(path)] == []


def _used(path: Path) -> bool:
    return bool(path.read_bytes().strip(b"\0"))


def test_a_full_disk_refuses_it_and_with_room_it_is_kept(tmp_path: Path) -> None:
    with files_limited_to(1024), pytest.raises(SpoolFull, match="no room for the next segment: File too large"):
        put(tmp_path)
    assert list((tmp_path / "spool").iterdir()) == []
    put(tmp_path)
    assert len(list((tmp_path / "spool").iterdir())) == 1


def test_a_volume_that_is_nearly_full_is_left_to_the_workers_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"total": 10**12, "free": 10**6})()
    monkeypatch.setattr("usage_log.spool.shutil.disk_usage", lambda _: usage)
    with pytest.raises(SpoolFull, match="only 1000000 bytes are free on the volume"):
        put(tmp_path)
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_spool_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(SpoolFull, match="the change of lists cannot be recorded: File exists"):
        put(tmp_path)


_TEXT = st.text(max_size=600) | st.text('"\\\n', min_size=600, max_size=600)
_COUNTS = st.dictionaries(
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=40),
    st.tuples(st.integers(0, 9_999_999), st.integers(0, 9_999_999)),
    max_size=120,
)


@given(_TEXT, _TEXT, _TEXT, _COUNTS)
def test_whatever_it_says_it_fits_a_row_and_is_read_again(
    author: str, why: str, digest: str, changes: dict[str, tuple[int, int]]
) -> None:
    act = ListsAct("apply", author, why, "000001-0123456789abcdef", digest, changes)
    row = decode(encode(Stamped("n1", 999, 1, 1, record_of(act, NOW, 1))))[0].record
    assert len(row.detail or "") < ACT_CAP
    read = act_of(row.detail)
    assert read is not None
    assert read.generation == act.generation
    assert read.author.isprintable()
    for place in (0, 1):
        assert sum(counts[place] for counts in read.changes.values()) == sum(c[place] for c in changes.values())


@pytest.mark.parametrize(
    "detail", [None, "", "jane.roe from 10.1.2.3", "[]", "{}", '{"how":"update"}', "1", '{"changes":{"a":[1]}}', "null"]
)
def test_any_other_detail_is_no_act(detail: str | None) -> None:
    assert act_of(detail) is None


@given(st.recursive(st.none() | st.integers() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)))
def test_any_json_is_an_act_or_none(value: object) -> None:
    assert act_of(json.dumps({"changes": value, **dict.fromkeys(("how", "author", "why", "generation"), "x")})) is None


def test_the_ways_are_the_reasons_of_the_rows() -> None:
    assert [record_of(replace(ACT, how=how), NOW, 1).reason for how in HOW] == [f"lists.{how}" for how in HOW]


def test_a_row_shows_it_and_no_detail_that_only_claims_to_be_one(tmp_path: Path) -> None:
    forged = record(detail=record_of(ACT, NOW, 1).detail)  # of a request
    store(tmp_path, record_of(ACT, NOW, 1), replace(record_of(ACT, NOW, 1), detail="jane.roe"), forged)
    assert [row.record.detail is not None for row in audit_rows(tmp_path, Filter())] == [True, False, False]
    assert day_path(tmp_path / "log", NOW.date()).exists()


def test_a_line_of_it_for_people() -> None:
    assert ACT.line() == (
        "update: generation 000007-0123456789abcdef by ann (the lists of November); malware +3 -1, pornography +120 -4"
    )
    assert replace(ACT, changes={}).line().endswith("; nothing changed")


def test_its_writer_is_no_workers_number() -> None:
    assert acts._WORKER == 999
