"""The dispatcher: whatever goes wrong in a hook, the answer is a refusal or the end of the connection."""

from __future__ import annotations

import asyncio
import logging

import pytest

from proxy.master import Dispatcher, IdleWatch


class Handler:
    def __init__(self):
        self.was_cut = False

    def cut(self):
        self.was_cut = True


class Hooks:
    def __init__(self, method, refusal=True):
        self._method = method
        self._refusal = refusal
        self.refused = []
        self.recorded = []

    def hook(self, name):
        return self._method if name == "requestheaders" else None

    def refuse(self, handler, data, hook, error):
        self.refused.append((hook, type(error)))
        if isinstance(self._refusal, Exception):
            raise self._refusal
        return self._refusal

    def broken(self, handler, data, what, error):
        self.recorded.append(what)
        if isinstance(self._refusal, Exception):
            raise self._refusal


def raises(handler, data):
    raise RuntimeError("broken")


async def raises_later(handler, data):
    await asyncio.sleep(0)
    raise RuntimeError("broken")


async def hangs(handler, data):
    await asyncio.sleep(60)


async def is_cancelled(handler, data):
    raise asyncio.CancelledError


FAILURES = {
    "a hook that raises": (raises, RuntimeError),
    "an asynchronous hook that raises": (raises_later, RuntimeError),
    "an asynchronous hook that hangs": (hangs, TimeoutError),
    "a cancellation that is not ours": (is_cancelled, asyncio.CancelledError),
}


@pytest.mark.parametrize(("method", "error"), FAILURES.values(), ids=FAILURES.keys())
async def test_a_failing_hook_is_refused(method, error, caplog):
    hooks, handler = Hooks(method), Handler()
    await Dispatcher(hooks, 0.05).run(handler, "requestheaders", object())
    assert hooks.refused == [("requestheaders", error)]
    assert not handler.was_cut
    assert "so the answer is a block" in caplog.text


@pytest.mark.parametrize("refusal", [False, RuntimeError("the page is broken too")], ids=["too late", "raises"])
async def test_where_no_refusal_can_be_sent_the_connection_is_closed(refusal, caplog):
    hooks, handler = Hooks(raises, refusal), Handler()
    with caplog.at_level(logging.CRITICAL):
        await Dispatcher(hooks, 0.05).run(handler, "requestheaders", object())
    assert handler.was_cut
    assert hooks.recorded == ["requestheaders"]


async def test_a_hook_that_is_well_is_left_alone():
    seen = []
    hooks, handler = Hooks(lambda handler, data: seen.append(data)), Handler()
    await Dispatcher(hooks, 5).run(handler, "requestheaders", "data")
    await Dispatcher(hooks, 5).run(handler, "unknown_hook", "data")
    assert (seen, hooks.refused, handler.was_cut) == (["data"], [], False)


async def test_a_cancellation_of_our_own_task_is_passed_on():
    hooks = Hooks(hangs)
    task = asyncio.create_task(Dispatcher(hooks, 5).run(Handler(), "requestheaders", object()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert hooks.refused == []


async def ended_after(seconds, keep_alive=0):
    """Whether a watch of `seconds()` has ended its connection after 0.4 s; `keep_alive` signs of life meanwhile."""
    ended = []

    async def end():
        ended.append(True)

    watch = IdleWatch(seconds, end)
    task = asyncio.create_task(watch.watch())
    for _ in range(keep_alive):
        await asyncio.sleep(0.4 / keep_alive)
        watch.register_activity()
    await asyncio.sleep(0 if keep_alive else 0.4)
    task.cancel()
    return bool(ended)


async def test_a_silent_connection_is_ended():
    assert await ended_after(lambda: 0.1)


async def test_a_connection_on_which_something_moves_is_not():
    assert not await ended_after(lambda: 0.2, keep_alive=8)


async def test_a_connection_that_is_busy_is_given_longer():
    limits = iter([0.1])
    assert not await ended_after(lambda: next(limits, 60))


async def test_a_hook_at_work_stops_the_clock():
    ended = []

    async def end():
        ended.append(True)

    watch = IdleWatch(lambda: 0.05, end)
    with watch.disarm():
        task = asyncio.create_task(watch.watch())
        await asyncio.sleep(0.3)
        assert not ended
    await asyncio.sleep(0.3)
    task.cancel()
    assert ended
