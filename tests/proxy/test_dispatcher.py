"""The dispatcher: whatever goes wrong in a hook, the answer is a refusal or the end of the connection."""

from __future__ import annotations

import asyncio
import logging

import pytest

from proxy.dispatcher import Dispatcher


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


def raises_cancelled(handler, data):
    raise asyncio.CancelledError


async def raises_at_once(handler, data):
    raise RuntimeError("broken")


async def is_cancelled_later(handler, data):
    await asyncio.sleep(0)
    raise asyncio.CancelledError


async def cancels_itself(handler, data):
    asyncio.current_task().cancel()
    await asyncio.sleep(0)


FAILURES = {
    "a hook that raises": (raises, RuntimeError),
    "a hook that is no coroutine and raises a cancellation": (raises_cancelled, asyncio.CancelledError),
    "a hook that answers what nobody can wait for": (lambda handler, data: 1, TypeError),
    "an asynchronous hook that raises at once": (raises_at_once, RuntimeError),
    "a cancellation that is not ours, later": (is_cancelled_later, asyncio.CancelledError),
    "a hook that cancels its task": (cancels_itself, asyncio.CancelledError),
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


async def test_what_does_not_wait_is_done_when_it_has_begun():
    seen = []

    async def waits_not(handler, data):
        seen.append(data)

    assert Dispatcher(Hooks(waits_not), 5).begin(Handler(), "requestheaders", "data") is None
    assert seen == ["data"]


async def test_an_inner_cancellation_while_our_own_task_goes_on_is_a_block():
    hooks = Hooks(is_cancelled_later)
    task = asyncio.create_task(Dispatcher(hooks, 5).run(Handler(), "requestheaders", object()))
    await task
    assert hooks.refused == [("requestheaders", asyncio.CancelledError)]
