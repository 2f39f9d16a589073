from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from categories.errors import ListRefused
from categories.pool import MOST, cores, pool


def test_work_is_done_here_or_elsewhere_and_gives_the_same() -> None:
    with pool(0) as here:
        assert (here.processes, here.submit(os.getpid).result()) == (0, os.getpid())
    with pool(2) as elsewhere:
        pids = {elsewhere.submit(os.getpid).result() for _ in range(10)}
        assert elsewhere.processes == 2
        assert os.getpid() not in pids
        assert elsewhere.submit(divmod, 7, 2).result() == (3, 1)
    assert not [pid for pid in pids if alive(pid)]


def test_what_the_work_raises_is_raised_here() -> None:
    with pool(1) as elsewhere, pytest.raises(FileNotFoundError):
        elsewhere.submit(os.stat, "/no/such/file").result()


def test_processes_are_few() -> None:
    assert 1 <= cores() <= MOST


def test_a_process_that_is_killed_refuses_in_one_line_and_leaves_none_behind() -> None:
    with pool(2) as elsewhere:
        pid = elsewhere.submit(os.getpid).result()
        for _ in range(2):
            elsewhere.submit(time.sleep, 60)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(
            ListRefused, match=r"was killed, perhaps because memory ran out; compile them again"
        ) as refusal:
            elsewhere.submit(os.getpid).result()
    assert "\n" not in str(refusal.value)


def test_an_exception_here_ends_what_is_under_way() -> None:
    began = time.monotonic()
    pids = []

    def interrupted() -> None:
        with pool(2) as elsewhere:
            pids.extend(elsewhere.submit(os.getpid).result() for _ in range(2))
            for _ in range(6):
                elsewhere.submit(time.sleep, 60)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - began < 30
    assert not [pid for pid in pids if alive(pid)]


ASKS = """
import os, sys, time
from categories.pool import pool
with pool(2) as elsewhere:
    print(*{elsewhere.submit(os.getpid).result() for _ in range(2)}, flush=True)
    waiting = [elsewhere.submit(time.sleep, 60) for _ in range(2)]
    waiting[0].result()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_processes_end_with_the_one_that_asks(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-P", "-c", ASKS], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as asking:
        assert asking.stdout
        pids = [int(word) for word in asking.stdout.readline().split()]
        assert pids
        asking.send_signal(number)
        asking.communicate(timeout=60)
    deadline = time.monotonic() + 30
    while any(map(alive, pids)):
        assert time.monotonic() < deadline, "a process lives on"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
