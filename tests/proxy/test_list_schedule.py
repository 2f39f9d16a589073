from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from categories.attempts import Attempt, attempt_noted, last_attempt
from categories.generations import current
from categories.history import history
from proxy import list_schedule
from proxy.list_schedule import ListSchedule, is_due
from proxy.start import prepare
from tests.categories.server import body, serving
from tests.proxy.untold import UNTOLD

HOME = ZoneInfo("America/Los_Angeles")


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=HOME)


def fine(when: datetime) -> Attempt:
    return Attempt(when.astimezone(UTC), failed=False, says="")


def failed(when: datetime) -> Attempt:
    return Attempt(when.astimezone(UTC), failed=True, says="")


BUILT = at(20, 12)

CASES = {
    "before the time of day": (at(21, 3, 29), "03:30", BUILT, None, False),
    "at the time of day": (at(21, 3, 30), "03:30", BUILT, None, True),
    "later that day, for the filter was not running": (at(21, 23), "03:30", BUILT, None, True),
    "days later": (at(25, 1), "03:30", BUILT, None, True),
    "it was asked for then": (at(21, 4), "03:30", BUILT, fine(at(21, 3, 31)), False),
    "a person asked for it meanwhile": (at(21, 4), "03:30", BUILT, fine(at(21, 3, 45)), False),
    "lists of other settings were made meanwhile, and there never was an attempt": (
        at(21, 4),
        "03:30",
        at(21, 3, 50),
        None,
        False,
    ),
    "lists were compiled since the last attempt": (at(22, 4), "03:30", at(22, 3, 50), fine(at(21, 3, 31)), True),
    "the day after": (at(22, 3, 31), "03:30", BUILT, fine(at(21, 3, 31)), True),
    "it failed half an hour ago": (at(21, 4), "03:30", BUILT, failed(at(21, 3, 31)), False),
    "it failed an hour ago": (at(21, 4, 31), "03:30", BUILT, failed(at(21, 3, 31)), True),
    "it failed, and lists were compiled since": (at(21, 5), "03:30", at(21, 4), failed(at(21, 3, 31)), True),
    "never": (at(25, 1), "never", BUILT, None, False),
    "never, though it failed": (at(25, 1), "never", BUILT, failed(at(21, 3, 31)), False),
    "lists that cannot be read": (at(21, 1), "03:30", datetime.min.replace(tzinfo=UTC), None, True),
    "an hour that summer time skips": (at(8, 3, 31, month=3), "02:30", at(7, 12, month=3), None, True),
    "an hour that comes twice, the second time": (
        datetime(2026, 11, 1, 1, 40, fold=1, tzinfo=HOME),
        "01:30",
        at(31, 12, month=10),
        fine(datetime(2026, 11, 1, 1, 31, fold=0, tzinfo=HOME)),
        False,
    ),
}


@pytest.mark.parametrize(("now", "time", "built", "attempt", "due"), CASES.values(), ids=CASES)
def test_when_the_lists_are_fetched(now, time, built, attempt, due):
    assert is_due(now, time, built.astimezone(UTC) if built.year > 1 else built, attempt) is due


DISTRICT = """
district: {{name: Demo District}}
state_dir: state
retention: {{records: 90d, evidence: 10y, cases: 10y}}
starter_only: true
list_updates: {{at: "{at}"}}
lists: [{{name: mine, format: domains, url: "{url}/mine", category: gambling}}]
"""


@pytest.fixture
def district(tmp_path):
    """A district whose lists were made at the time of day that is over in a minute: they are due after that."""
    answers = {"/mine": body(b"casino.test\n")}
    with serving(answers) as url:

        def make(minutes):
            when = datetime.now(UTC) + timedelta(minutes=minutes)
            (tmp_path / "district.yaml").write_text(DISTRICT.format(at=f"{when:%H:%M}", url=url))
            prepare(tmp_path / "district.yaml", lambda _: None, datetime.now(UTC), UNTOLD)
            return tmp_path / "state"

        make.answers = answers
        yield make


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - a file on the disk
            await asyncio.sleep(0.05)


async def ended(running):
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def make_old(state, monkeypatch):
    """The lists in force look as if they had been made days ago."""
    monkeypatch.setattr(list_schedule, "_built", lambda _: datetime.now(UTC) - timedelta(days=2))
    return state


async def test_a_process_of_its_own_fetches_the_lists_when_they_are_due(district, monkeypatch):
    state = make_old(await asyncio.to_thread(district, -5), monkeypatch)
    district.answers["/mine"] = body(b"casino.test\npoker.test\n")
    running = asyncio.create_task(ListSchedule(state).run())
    await until(lambda: last_attempt(state / "lists"))
    await ended(running)
    found = history(state / "lists")[-1]
    assert (found.author, found.reason, found.generation) == (
        "schedule",
        "list_updates.at",
        current(state / "lists").name,
    )
    assert not last_attempt(state / "lists").failed


async def test_a_server_that_is_gone_is_told_and_asked_again_in_an_hour(district, monkeypatch, caplog):
    state = make_old(await asyncio.to_thread(district, -5), monkeypatch)
    before = current(state / "lists")
    district.answers["/mine"] = body(b"", 500)
    monkeypatch.setattr(list_schedule, "_LOOK_SECONDS", 0.1)
    running = asyncio.create_task(ListSchedule(state).run())
    await until(lambda: "exit code 3" in caplog.text)
    assert last_attempt(state / "lists").failed
    await asyncio.sleep(0.5)  # some looks at the clock
    await ended(running)
    assert caplog.text.count("exit code 3") == 1
    assert current(state / "lists") == before


def starting(monkeypatch, program):
    """Every process of the schedule, which runs this program and looks at the clock often."""
    started = []
    create = asyncio.create_subprocess_exec

    async def kept(*_, **how):
        started.append(await create(sys.executable, "-c", program, **how))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", kept)
    monkeypatch.setattr(list_schedule, "_LOOK_SECONDS", 0.05)
    return started


@pytest.mark.parametrize(
    "program",
    ["raise SystemExit(4)", "raise SystemExit(0)", "1 / 0", "import os; os.kill(os.getpid(), 9)"],
    ids=["another is at work", "no room for the note", "a crash without a note", "killed for its memory"],
)
async def test_a_process_that_leaves_no_note_is_not_started_again_at_once(district, monkeypatch, program):
    state = make_old(await asyncio.to_thread(district, -5), monkeypatch)
    started = starting(monkeypatch, program)
    running = asyncio.create_task(ListSchedule(state).run())
    await until(lambda: started and started[0].returncode is not None)
    await asyncio.sleep(0.5)  # some looks at the clock
    await ended(running)
    assert len(started) == 1


async def test_a_process_that_left_no_note_is_started_again_when_its_hour_is_over(district, monkeypatch):
    state = make_old(await asyncio.to_thread(district, -5), monkeypatch)
    monkeypatch.setattr(list_schedule, "RETRY", timedelta(0))
    started = starting(monkeypatch, "raise SystemExit(4)")
    running = asyncio.create_task(ListSchedule(state).run())
    await until(lambda: len(started) > 1)
    await ended(running)


async def test_what_is_not_due_is_not_fetched(district, monkeypatch):
    state = await asyncio.to_thread(district, +5)
    monkeypatch.setattr(list_schedule, "_LOOK_SECONDS", 0.05)
    running = asyncio.create_task(ListSchedule(state).run())
    await asyncio.sleep(0.5)
    await ended(running)
    assert last_attempt(state / "lists") is None


async def test_settings_that_cannot_be_read_do_not_end_the_schedule(tmp_path, caplog):
    running = asyncio.create_task(ListSchedule(tmp_path).run())
    await until(lambda: "the lists are not kept current: NothingApplied" in caplog.text)
    assert not running.done()
    await ended(running)


async def test_an_update_that_is_under_way_ends_with_the_filter(district, monkeypatch):
    state = make_old(await asyncio.to_thread(district, -5), monkeypatch)
    district.answers["/mine"] = lambda request: request.server.shutdown_request  # never answers
    started = []
    create = asyncio.create_subprocess_exec

    async def remembered(*command, **how):
        started.append(await create(*command, **how))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", remembered)
    running = asyncio.create_task(ListSchedule(state).run())
    await until(lambda: started)
    await ended(running)
    assert started[0].returncode == -signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(started[0].pid, 0)


def test_a_noted_attempt_is_what_the_schedule_looks_at(tmp_path):
    with attempt_noted(tmp_path) as said:
        said.append("nothing is new")
    now = datetime.now(UTC)
    assert is_due(now + timedelta(hours=25), f"{now:%H:%M}", now - timedelta(days=3), last_attempt(tmp_path))
