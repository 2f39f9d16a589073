"""Workers here are short Python programs that say a status and stay."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import sys

import pytest

from proxy import place as places
from proxy.child import Child
from proxy.place import Place

TALKS = """
import os, sys, time
status = {"worker": 0, "pid": os.getpid(), "revision": 1, "generation": "g", "accounts": 1, "drain_seconds": 1}
os.write(int(sys.argv[-1]), b'%s' + b'\\n')
time.sleep(60)
""".replace("b'%s'", "__import__('json').dumps(status | EXTRA).encode()")


def program(**extra):
    return f"EXTRA = {json.loads(json.dumps(extra))!r}\n{TALKS}"


#: A worker in which something is under way: it hears that it is to retire, and stays.
STAYS = "import signal; signal.signal(signal.SIGUSR1, lambda *_: None)\n" + program()
REFUSES = "import sys; sys.exit(4)"


async def until(condition, seconds=20):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # a process has no event to wait for
            await asyncio.sleep(0.01)


@pytest.fixture
def programs():
    """What each worker that is started runs, in turn; the last one again and again."""
    return [program()]


@pytest.fixture
async def place(programs):
    def make(hear):
        text = programs.pop(0) if len(programs) > 1 else programs[0]
        return Child("worker 0", [sys.executable, "-c", text], hear)

    place = Place(0, make, 1)
    yield place
    await place.stop()
    assert place.each() == []


async def test_a_worker_is_replaced_by_another_that_has_spoken(place):
    place.start()
    await until(lambda: place.status)
    first = place.status.pid
    replacing = asyncio.create_task(place.replace())
    while place.status.pid == first:
        assert len(place.each()) <= 2
        await asyncio.sleep(0.01)
    assert await replacing
    await until(lambda: len(place.each()) == 1)
    assert not place.retires
    place.raise_failure()


async def replaced(place):
    """Replace a worker that stays; its child."""
    place.start()
    await until(lambda: place.status)
    [old] = place.each()
    assert await asyncio.wait_for(place.replace(), 20), "nobody waits for the end of the old one"
    return old


@pytest.fixture
def stays(programs):
    programs.insert(0, STAYS)


async def test_a_worker_in_which_something_is_under_way_stays_beside_its_replacement(stays, place):
    old = await replaced(place)
    await asyncio.sleep(0.3)
    assert place.retires
    assert old in place.each()
    assert old._process.returncode is None
    await asyncio.wait_for(place.stop(), 20)
    assert old._process.returncode == -signal.SIGTERM


async def test_a_worker_that_retires_is_drained_when_it_has_taken_too_long(stays, place, monkeypatch):
    monkeypatch.setattr(places, "RETIRED_SECONDS", 0.2)
    old = await replaced(place)
    await until(lambda: not place.retires)
    assert old._process.returncode == -signal.SIGTERM
    assert len(place.each()) == 1


async def test_a_worker_that_hangs_while_it_retires_is_killed_and_not_started_again(stays, place):
    old = await replaced(place)
    await asyncio.sleep(0.3)
    old.kill_if_silent(0.1)
    await until(lambda: not place.retires)
    assert old._process.returncode == -signal.SIGKILL
    assert len(place.each()) == 1


@pytest.mark.parametrize(
    "replacement",
    [REFUSES, program(problem="no lists"), program(spool="no room")],
    ids=["it refuses to start", "it has a problem", "it can keep no record"],
)
async def test_a_worker_whose_replacement_is_no_better_stays(place, programs, replacement):
    programs.append(replacement)
    place.start()
    await until(lambda: place.status)
    first = place.status.pid
    assert not await place.replace()
    assert place.status.pid == first
    assert len(place.each()) == 1
    place.raise_failure()


async def test_a_replacement_that_never_speaks_is_ended(place, programs, monkeypatch):
    monkeypatch.setattr(places, "_SPEAK_SECONDS", 0.5)
    programs.append("import time; time.sleep(60)")
    place.start()
    await until(lambda: place.status)
    assert not await place.replace()
    assert len(place.each()) == 1


async def test_a_replacement_that_the_machine_cannot_run_leaves_nothing_behind(place, monkeypatch):
    async def refuse(*_arguments, **_options):
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    place.start()
    await until(lambda: place.status)
    monkeypatch.setattr(places, "_SPEAK_SECONDS", 0.5)
    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse)
    assert not await place.replace()
    assert len(place.each()) == 1


async def test_a_stop_in_the_middle_of_a_replacement_ends_everyone(place, programs):
    programs.append("import time; time.sleep(60)")
    place.start()
    await until(lambda: place.status)
    replacing = asyncio.create_task(place.replace())
    await until(lambda: len(place.each()) == 2)
    replacing.cancel()
    await asyncio.gather(replacing, return_exceptions=True)
    await asyncio.wait_for(place.stop(), 20)
    assert place.each() == []
