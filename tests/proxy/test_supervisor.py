"""Worker and collector are short programs here; tests/e2e/test_lifecycle.py runs the real ones."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
import textwrap
import threading

import pytest

from proxy import supervisor as supervising
from proxy.child import ChildRefused
from proxy.listening import Listen, bind
from proxy.supervisor import Plan, Supervisor
from proxy.tenure import in_charge, sole

WORKER = """
import json, os, signal, sys, time
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
born = time.monotonic()
while True:
    status = {"worker": int(arguments["--worker"]), "pid": os.getpid(), "revision": 1, "generation": "g", "accounts": 1,
              "drain_seconds": 1, "spent": SPENT and time.monotonic() - born > 0.5}
    os.write(int(arguments["--status"]), json.dumps(status).encode() + b"\\n")
    time.sleep(TICK)
"""
COLLECTOR = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\ntime.sleep(600)"


def worker(spent=False, tick=0.1):
    return f"SPENT = {spent}\nTICK = {tick}\n{textwrap.dedent(WORKER)}"


@pytest.fixture
async def supervisor(request, tmp_path, monkeypatch):
    """A supervisor of two workers; a test may say what they are."""
    programs = {"proxy.worker": getattr(request, "param", worker()), "usage_log.collector": COLLECTOR}
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(supervising, "_python", lambda module: (sys.executable, "-c", programs[module]))
    monkeypatch.setattr(supervising, "_WRITE_SECONDS", 0.1)
    with sole(tmp_path) as tenure:
        listeners = bind((Listen("127.0.0.1", 0),))
        plan = Plan(tmp_path, (Listen("127.0.0.1", 0),), 2, "127.0.0.1:9", 1)
        made = Supervisor(plan, listeners, tenure, lambda _: None)
        yield made
        for listener in listeners:
            listener.socket.close()


async def until(condition, seconds=20):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # a process has no event to wait for
            await asyncio.sleep(0.01)


def pids(state_dir):
    file = state_dir / "run" / "status.json"
    return [each["pid"] for each in json.loads(file.read_text())["workers"]] if file.exists() else []


async def running(supervisor, state_dir):
    task = asyncio.create_task(supervisor.run())
    await until(lambda: len(pids(state_dir)) == 2)
    return task


async def stopped(task):
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(task, 20)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_it_is_in_charge_while_it_runs_and_leaves_nobody_behind(supervisor, tmp_path):
    task = await running(supervisor, tmp_path)
    assert in_charge(tmp_path).pid == os.getpid()
    workers = pids(tmp_path)
    await stopped(task)
    assert not any(alive(pid) for pid in workers)


@pytest.mark.parametrize("supervisor", [worker(spent=True)], indirect=True, ids=["spent after half a second"])
async def test_workers_that_have_done_their_share_are_replaced_one_after_the_other(supervisor, tmp_path):
    task = await running(supervisor, tmp_path)
    seen = [pids(tmp_path)]
    async with asyncio.timeout(40):
        while len({pid for each in seen for pid in each}) < 6:
            await asyncio.sleep(0.05)
            seen.append(pids(tmp_path))
    assert all(len(each) == 2 for each in seen), "the status never has a gap, and nobody who drains"
    changes = [(before, after) for before, after in itertools.pairwise(seen) if before != after]
    assert all(len(set(before) & set(after)) == 1 for before, after in changes), "never both at once"
    await stopped(task)


STAYS = "import signal; signal.signal(signal.SIGUSR1, lambda *_: None)\n" + worker(spent=True)


@pytest.mark.parametrize("supervisor", [STAYS], indirect=True, ids=["with something under way"])
async def test_a_worker_is_not_replaced_while_the_one_before_it_is_still_there(supervisor, tmp_path):
    task = await running(supervisor, tmp_path)
    first = set(pids(tmp_path))
    await until(lambda: len(pids(tmp_path)) == 2 and not first & set(pids(tmp_path)))
    second = set(pids(tmp_path))
    await asyncio.sleep(3)
    assert set(pids(tmp_path)) == second, "all are spent again"
    assert all(map(alive, first))
    await stopped(task)
    assert not any(map(alive, first | second))


async def test_a_worker_that_is_killed_is_started_again_and_so_is_one_that_hangs(supervisor, tmp_path, monkeypatch):
    monkeypatch.setattr(supervising, "SILENCE_SECONDS", 2.0)
    task = await running(supervisor, tmp_path)
    first, second = pids(tmp_path)
    os.kill(first, signal.SIGKILL)
    os.kill(second, signal.SIGSTOP)
    await until(lambda: len(pids(tmp_path)) == 2 and not {first, second} & set(pids(tmp_path)))
    await stopped(task)


async def test_an_upgrade_that_comes_to_nothing_changes_nothing(supervisor, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "-c", "import sys; sys.exit(4)"])
    task = await running(supervisor, tmp_path)
    before = pids(tmp_path)
    for tries in (1, 2):
        os.kill(os.getpid(), signal.SIGUSR2)
        await until(lambda tries=tries: in_charge(tmp_path).refused == tries)
    assert caplog.text.count("the upgrade came to nothing (exit code 4)") == 2
    assert pids(tmp_path) == before
    await stopped(task)


async def test_a_successor_that_hangs_is_ended_and_the_next_upgrade_is_tried(supervisor, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(supervising, "_SUCCESSOR_SECONDS", 1)
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "-c", "import time; time.sleep(600)"])
    task = await running(supervisor, tmp_path)
    for tries in (1, 2):
        os.kill(os.getpid(), signal.SIGUSR2)
        await until(lambda: supervisor._upgrading is not None)
        os.kill(os.getpid(), signal.SIGUSR2)
        await until(lambda tries=tries: in_charge(tmp_path).refused == tries)
        assert caplog.text.count("an upgrade is under way already") == tries
    await stopped(task)


async def test_a_volume_that_hangs_keeps_no_worker_that_hangs(supervisor, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(supervising, "SILENCE_SECONDS", 2.0)
    task = await running(supervisor, tmp_path)
    freed, writes = threading.Event(), []

    def hang(*arguments):
        writes.append(arguments)
        freed.wait(30)

    monkeypatch.setattr(supervising, "write_statuses", hang)
    await until(lambda: writes)
    os.kill(pids(tmp_path)[0], signal.SIGSTOP)
    await until(lambda: "silent for 2 s; killing it" in caplog.text)
    assert len(writes) == 1
    freed.set()
    await stopped(task)


async def test_a_stop_while_a_successor_starts_ends_the_successor_too(supervisor, tmp_path, monkeypatch):
    mark = tmp_path / "successor"
    program = f"import os, pathlib, time; pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); time.sleep(600)"
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "-c", program])
    task = await running(supervisor, tmp_path)
    os.kill(os.getpid(), signal.SIGUSR2)
    await until(lambda: mark.exists() and mark.read_text())
    await stopped(task)
    await until(lambda: supervisor._successor._process.poll() is not None)


@pytest.mark.parametrize("supervisor", ["import sys; sys.exit(4)"], indirect=True, ids=["it refuses"])
async def test_a_worker_that_will_not_start_ends_the_supervisor(supervisor):
    with pytest.raises(ChildRefused) as refused:
        await asyncio.wait_for(supervisor.run(), 20)
    assert refused.value.code == 4
