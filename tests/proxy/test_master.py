"""The idle watch: a connection on which nothing moves is ended, and no other."""

from __future__ import annotations

import asyncio

from proxy.master import IdleWatch


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
