from __future__ import annotations

import json
import stat

import pytest

from proxy.status import WorkerStatus, collector_status_of, read_statuses, status_of, write_statuses

FIRST = WorkerStatus(0, 10, 3, "000001-ab", 2, refused_certificates={"pinned.test": 2})
SECOND = WorkerStatus(1, 11, 3, "000001-ab", 2, problem="no", refused_certificates={"pinned.test": 1, "b.test": 1})


def test_a_status_survives_the_pipe():
    assert status_of(FIRST.line()) == FIRST
    assert FIRST.line().count(b"\n") == 1


def test_what_all_workers_say_is_written_for_its_owner_alone(tmp_path):
    path = tmp_path / "status.json"
    write_statuses(path, [FIRST, SECOND])
    assert read_statuses(path) == [FIRST, SECOND]
    assert json.loads(path.read_text())["refused_certificates"] == {"pinned.test": 3, "b.test": 1}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_the_collector_says_is_written_too(tmp_path):
    path = tmp_path / "status.json"
    said = collector_status_of(b'{"oldest_unread_seconds": 1.5, "trouble": "no"}', 1000.0)
    write_statuses(path, [FIRST], said)
    assert json.loads(path.read_text())["collector"] == {"oldest_unread_seconds": 1.5, "trouble": "no", "heard": 1000.0}


@pytest.mark.parametrize("line", [b"no", b"[]", b"{}", b'{"trouble": 1, "more": 2}', b"\xff"])
def test_a_line_of_the_collector_that_is_no_status_is_refused(line):
    with pytest.raises(ValueError):
        collector_status_of(line, 1000.0)


def test_before_the_first_start_nobody_has_said_anything(tmp_path):
    assert read_statuses(tmp_path / "status.json") == []


@pytest.mark.parametrize("line", [b"no", b"[]", b"{}", b'{"worker": 1, "more": 2}', b"\xff"])
def test_a_line_that_is_no_status_is_refused(line):
    with pytest.raises(ValueError):
        status_of(line)
