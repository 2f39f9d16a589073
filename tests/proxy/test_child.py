"""Children are real processes: short Python programs that start, talk, die or hang."""

from __future__ import annotations

import asyncio
import errno
import os
import sys

import pytest

from proxy import child as children
from proxy.child import Child, ChildRefused

TALKS = "import os, sys, time\nos.write(int(sys.argv[-1]), b'ready\\n')\ntime.sleep(60)"
TALKS_AND_DIES = "import os, sys\nos.write(int(sys.argv[-1]), b'ready\\n')\nsys.exit(4)"
REFUSES = "import sys; sys.exit(4)"
CRASHES = "import sys; sys.exit(1)"
IGNORES_TERM = f"import signal\nsignal.signal(15, signal.SIG_IGN)\n{TALKS}"


def command(program):
    return [sys.executable, "-c", program]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(children, "_FIRST_WAIT", 0.01)


async def until(condition, seconds=20):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # a process has no event to wait for
            await asyncio.sleep(0.01)


async def test_a_child_is_heard_and_stopped():
    heard = []
    child = Child("worker", command(TALKS), heard.append)
    running = asyncio.create_task(child.keep_running())
    await until(lambda: heard)
    await child.stop(10)
    await asyncio.wait_for(running, 10)
    assert heard == [b"ready\n"]


async def test_a_child_that_refuses_to_start_is_not_tried_again():
    with pytest.raises(ChildRefused) as refused:
        await asyncio.wait_for(Child("worker", command(REFUSES), lambda _: None).keep_running(), 20)
    assert refused.value.code == 4


@pytest.mark.parametrize("program", [TALKS_AND_DIES, CRASHES], ids=["it ran before", "a crash is no refusal"])
async def test_a_child_that_dies_is_started_again(program, monkeypatch):
    runs = []
    started = asyncio.create_subprocess_exec

    async def counted(*arguments, **options):
        runs.append(arguments)
        return await started(*arguments, **options)

    monkeypatch.setattr(children.asyncio, "create_subprocess_exec", counted)
    child = Child("worker", command(program), lambda _: None)
    running = asyncio.create_task(child.keep_running())
    await until(lambda: len(runs) >= 3)
    await child.stop(10)
    await asyncio.wait_for(running, 10)


@pytest.mark.parametrize("said", ["b'x' * 100_000", "b'no status\\n'"], ids=["a line of 100 KB", "no JSON"])
async def test_a_child_that_says_what_cannot_be_read_is_ended_and_nobody_else(said, caplog):
    def hear(line):
        raise ValueError("not a status")

    program = f"import os, sys, time\nos.write(int(sys.argv[-1]), {said})\ntime.sleep(60)"
    child = Child("worker", command(program), hear)
    running = asyncio.create_task(child.keep_running())
    await until(lambda: caplog.text.count("says what cannot be read") >= 2)
    await child.stop(10)
    await asyncio.wait_for(running, 10)


async def test_a_child_that_does_not_end_is_killed():
    heard = []
    child = Child("worker", command(IGNORES_TERM), heard.append)
    running = asyncio.create_task(child.keep_running())
    await until(lambda: heard)
    await child.stop(0.1)
    await asyncio.wait_for(running, 10)


async def test_a_silent_child_is_killed_and_started_again():
    heard = []
    child = Child("worker", command(TALKS), heard.append)
    running = asyncio.create_task(child.keep_running())
    await until(lambda: heard)
    child.kill_if_silent(60)
    await asyncio.sleep(0.05)
    assert len(heard) == 1
    child.kill_if_silent(0.01)
    await until(lambda: len(heard) == 2)
    await child.stop(10)
    await asyncio.wait_for(running, 10)


async def waits(caplog, program, count):
    """Seconds between the deaths of a child and its next starts."""
    child = Child("worker", command(program), lambda _: None)
    running = asyncio.create_task(child.keep_running())
    await until(lambda: caplog.text.count("starting it again in") >= count)
    await child.stop(10)
    await asyncio.wait_for(running, 10)
    return [float(line.rpartition(" in ")[2].removesuffix(" s")) for line in caplog.messages][:count]


async def test_the_wait_before_a_restart_doubles_up_to_the_longest(monkeypatch, caplog):
    monkeypatch.setattr(children, "_LONGEST_WAIT", 0.1)
    assert await waits(caplog, CRASHES, 5) == [0.02, 0.04, 0.08, 0.1, 0.1]


async def test_a_child_that_was_well_is_restarted_at_once_again(monkeypatch, caplog):
    """A minute of health forgets what went before."""
    monkeypatch.setattr(children, "_WELL", 0.2)
    program = f"import time; time.sleep(0.4)\n{CRASHES}"
    assert await waits(caplog, program, 3) == [0.01, 0.01, 0.01]


async def test_a_stop_while_a_child_is_being_started_is_not_missed(monkeypatch):
    """Between the death of one process and the start of the next there is nobody to send a signal to."""
    started, created = asyncio.Event(), asyncio.create_subprocess_exec

    async def slow(*arguments, **options):
        started.set()
        await asyncio.sleep(0.3)
        return await created(*arguments, **options)

    monkeypatch.setattr(children.asyncio, "create_subprocess_exec", slow)
    child = Child("worker", command(TALKS), lambda _: None)
    running = asyncio.create_task(child.keep_running())
    await asyncio.wait_for(started.wait(), 20)
    await asyncio.wait_for(child.stop(20), 15)
    await asyncio.wait_for(running, 10)


@pytest.mark.parametrize("failing", ["pipe", "process"])
async def test_a_process_that_the_machine_cannot_run_now_is_tried_again(failing, monkeypatch, caplog):
    """No descriptors, no memory, or an interpreter that is being replaced: it passes."""
    where, name = (children.os, "pipe") if failing == "pipe" else (children.asyncio, "create_subprocess_exec")
    real, heard, descriptors = getattr(where, name), [], len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # the kernel's

    def refuse(*_arguments, **_options):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(where, name, refuse)
    child = Child("worker", command(TALKS), heard.append)
    running = asyncio.create_task(child.keep_running())
    await until(lambda: caplog.text.count("cannot be run (Too many open files)") == 3)
    assert len(os.listdir("/proc/self/fd")) <= descriptors  # noqa: PTH208  # as above
    monkeypatch.setattr(where, name, real)
    await until(lambda: heard)
    await child.stop(10)
    await asyncio.wait_for(running, 10)


async def test_a_child_that_waits_for_its_next_start_is_not_silent(monkeypatch, caplog):
    monkeypatch.setattr(children, "_FIRST_WAIT", 60)
    child = Child("worker", command(CRASHES), lambda _: None)
    running = asyncio.create_task(child.keep_running())
    await until(lambda: "starting it again" in caplog.text)
    child.kill_if_silent(0)
    assert "silent" not in caplog.text
    await child.stop(10)
    await asyncio.wait_for(running, 10)
