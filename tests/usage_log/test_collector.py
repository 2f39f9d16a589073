from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.usage_log.records import record
from usage_log.collector import retention_rule
from usage_log.day_files import day_path, stored_days
from usage_log.spool import Spool
from usage_log.tailing import RetentionUnknown

ROOT = Path(__file__).parents[2]
SMALL = 32 * 1024


def start(state_dir: Path, metrics: str = "127.0.0.1:0", pipe: int | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-m", "usage_log.collector", "--state-dir", str(state_dir), "--metrics", metrics]
    inherited = [] if pipe is None else [pipe]
    command += [part for fd in inherited for part in ("--status", str(fd))]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, pass_fds=inherited)


def ready(process: subprocess.Popen[str]) -> int:
    """Wait until a collector works; the port of its metrics."""
    assert process.stderr is not None
    for line in process.stderr:
        if "metrics on port" in line:
            return int(line.rsplit(" ", 1)[1])
    raise AssertionError(f"the collector ended with {process.wait()}")


def stop(process: subprocess.Popen[str]) -> tuple[int, str]:
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    return process.returncode, said


def stored(state_dir: Path) -> list[tuple[int, int]]:
    """Every stored (worker, seq), in order."""
    found: list[tuple[int, int]] = []
    for day in stored_days(state_dir / "log"):
        database = sqlite3.connect(day_path(state_dir / "log", day))
        found += database.execute("SELECT worker, seq FROM decision").fetchall()
        database.close()
    return sorted(found)


def append(spools: list[Spool], count: int) -> None:
    for _ in range(count):
        for spool in spools:
            spool.append(record())
            spool.prepare()


def test_kill_9_again_and_again_loses_nothing_and_doubles_nothing(
    tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    spools = [Spool(tmp_path / "spool", "n1", number, 10**8, SMALL) for number in range(2)]
    for number in range(8):
        processes.append(start(tmp_path))
        ready(processes[-1])
        append(spools, 400)
        time.sleep(0.03 * number)  # now in the middle of its work, now idle
        append(spools, 100)
        processes[-1].kill()
        processes[-1].wait()
    for spool in spools:
        spool.close()
    processes.append(start(tmp_path))
    ready(processes[-1])
    code, said = stop(processes[-1])
    assert (code, said) == (0, "")
    assert stored(tmp_path) == [(worker, seq) for worker in range(2) for seq in range(1, 4001)]
    assert list((tmp_path / "spool").glob("*.seg")) == []
    assert not (tmp_path / "spool" / "corrupt").exists()


def test_it_tells_its_supervisor_every_second_how_it_is(tmp_path: Path, processes: list[subprocess.Popen[str]]) -> None:
    reading, writing = os.pipe()
    processes.append(start(tmp_path, "127.0.0.1:0", writing))
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = [json.loads(pipe.readline()) for _ in range(2)]
        assert said == [{"oldest_unread_seconds": 0.0, "trouble": None}] * 2
        code, _ = stop(processes[-1])
    assert code == 0


def test_it_ends_when_nobody_hears_it(tmp_path: Path, processes: list[subprocess.Popen[str]]) -> None:
    reading, writing = os.pipe()
    processes.append(start(tmp_path, "127.0.0.1:0", writing))
    os.close(writing)
    os.close(reading)
    assert processes[-1].wait(30) == 0


_WORKER = """
import os, sys
from pathlib import Path
from tests.usage_log.records import record
from usage_log.spool import Spool
spool = Spool(Path(sys.argv[1]) / "spool", "n1", 0, 10**8, 32 * 1024)
for answered in range(1, 10**9):
    spool.append(record())
    os.write(1, b"%d\\n" % answered)  # the answer leaves only now
    spool.prepare()
"""


def test_kill_9_of_a_worker_keeps_every_record_that_was_answered(
    tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    processes.append(start(tmp_path))
    ready(processes[-1])
    answered = []
    for _ in range(3):
        command = [sys.executable, "-c", _WORKER, str(tmp_path)]
        worker = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert worker.stdout is not None
        for _ in range(700):
            last = worker.stdout.readline()
        worker.kill()
        rest = worker.communicate()[0]
        answered.append(int((last + rest).split()[-1]))
    assert stop(processes[0]) == (0, "")
    database = sqlite3.connect(day_path(tmp_path / "log", stored_days(tmp_path / "log")[-1]))
    rows = database.execute(
        "SELECT boot, count(*), max(seq), count(DISTINCT seq) FROM decision GROUP BY boot ORDER BY boot"
    )
    boots = rows.fetchall()
    database.close()
    assert len(boots) == 3
    for (_, count, last_seq, distinct), least in zip(boots, answered, strict=True):
        assert count == last_seq == distinct
        assert least <= count <= least + 1  # the one that was written and not yet answered
    assert list((tmp_path / "spool").glob("*.seg")) == []


def test_metrics_are_there_and_nothing_else_and_name_nobody(
    tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    spool = Spool(tmp_path / "spool", "n1", 0, 10**8, SMALL)
    processes.append(start(tmp_path))
    port = ready(processes[-1])
    spool.append(record(action="block", category="gambling", reason="category.gambling"))
    spool.close()
    wanted = 'breakwater_decisions_total{action="block",category="gambling",reason="category.gambling"} 1.0'
    deadline = time.monotonic() + 30
    text = ""
    while wanted not in text and time.monotonic() < deadline:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    assert wanted in text
    assert not [secret for secret in ("jane", "10.1.2.3", "example.test", "letter") if secret in text]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/")
    assert stop(processes[-1])[0] == 0


def refused(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=60)
    assert said.count("\n") == 1, said
    assert "Traceback" not in said
    return process.returncode, said


def test_a_metrics_port_in_use_is_one_line_and_exit_3(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = refused(start(tmp_path, f"127.0.0.1:{port}"))
    assert code == 3
    assert f"port {port} is already in use" in said


def test_a_day_file_of_a_newer_schema_is_one_line_and_exit_4_and_the_spool_stays(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "n1", 0, 10**8, SMALL)
    spool.append(record())
    spool.close()
    (tmp_path / "log").mkdir()
    database = sqlite3.connect(day_path(tmp_path / "log", datetime.now(UTC).date()))
    database.execute("PRAGMA user_version = 3")
    database.close()
    code, said = refused(start(tmp_path))
    assert code == 4
    assert "its schema is 3" in said
    assert len(list((tmp_path / "spool").glob("*.seg"))) == 1


def test_a_state_directory_that_is_a_file_is_one_line_and_exit_2(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    code, said = refused(start(tmp_path / "state"))
    assert code == 2
    assert str(tmp_path / "state") in said


def test_a_second_collector_waits_and_takes_over_when_the_first_is_killed(
    tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    processes.append(start(tmp_path))
    ready(processes[0])
    processes.append(start(tmp_path))
    time.sleep(1)
    assert processes[1].poll() is None
    processes[0].kill()
    ready(processes[1])
    assert stop(processes[1])[0] == 0


def test_a_collector_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-P', '-m', 'usage_log.collector',"
        " '--state-dir', sys.argv[1], '--metrics', '127.0.0.1:0'], stderr=subprocess.PIPE, text=True);"
        " p.stderr.readline(); print(p.pid, flush=True); p.wait()"
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert supervisor.stdout is not None
    collector = int(supervisor.stdout.readline())
    supervisor.kill()
    supervisor.communicate()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and _lives(collector):
        time.sleep(0.1)
    if _lives(collector):
        os.kill(collector, signal.SIGKILL)
        pytest.fail("the collector outlived its supervisor")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_a_metrics_address_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    process = start(tmp_path, "localhost:9109")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "--metrics" in said


def test_without_applied_settings_all_is_kept_and_broken_ones_are_said(tmp_path: Path) -> None:
    assert retention_rule(tmp_path) is None
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "current").write_text("nonsense")
    with pytest.raises(RetentionUnknown):
        retention_rule(tmp_path)
