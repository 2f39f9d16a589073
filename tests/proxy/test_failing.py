from __future__ import annotations

import asyncio

import pytest

from proxy.failing import is_ours, reset


async def test_a_cancellation_of_the_task_is_ours_and_one_that_was_raised_is_not():
    told = []

    async def tell(wait):
        try:
            await wait()
        except asyncio.CancelledError:
            told.append(is_ours())

    async def raised():
        raise asyncio.CancelledError

    await tell(raised)
    task = asyncio.create_task(tell(asyncio.Event().wait))
    await asyncio.sleep(0)
    task.cancel()
    await task
    assert told == [False, True]


async def test_a_cut_connection_is_reset_and_what_was_not_sent_is_dropped():
    """A client that reads to the end sees an error, never an end."""

    async def serve(_, writer):
        writer.write(b"the beginning")
        await writer.drain()
        await asyncio.sleep(0.05)
        reset(writer.transport)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    assert await reader.readexactly(13) == b"the beginning"
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    server.close()
