"""What is under way goes on, whatever is quiet is closed, and nobody is told twice too often."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import pytest

from proxy import leaving
from proxy.connections import Connections
from proxy.leaving import Leaving


class Front:
    client, idle = "10.0.0.1", False

    def close(self):
        raise AssertionError("something was under way")


class Handler:
    def __init__(self, idle, closed):
        self.idle, self._closed = idle, closed
        self.draining, self.told = False, 0
        self.timeout_watchdog = SimpleNamespace(last_activity=time.monotonic())

    async def leave(self):
        self.told += 1

    def close(self, why):
        assert why == "drain"
        self._closed()


@pytest.fixture
def open_now(monkeypatch):
    """One connection, and how to make what looks after it."""
    monkeypatch.setattr(leaving, "_QUIET_SECONDS", 0.1)
    connections, front = Connections(10, 10), Front()
    connections.admit(front)
    made = SimpleNamespace(front=front, connections=connections, accepting=SimpleNamespace(greeting=0), handlers=set())
    made.leaving = Leaving(connections, made.accepting, lambda: made.handlers)
    return made


def over_after(seconds):
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


async def test_it_waits_for_what_is_under_way_and_no_longer(open_now):
    asyncio.get_running_loop().call_later(0.2, open_now.connections.forget, open_now.front)
    began = time.monotonic()
    await asyncio.wait_for(open_now.leaving.until(lambda: False, 0.01), 10)
    assert time.monotonic() - began > 0.15


async def test_it_waits_for_a_client_that_speaks_tls(open_now):
    open_now.connections.forget(open_now.front)
    open_now.accepting.greeting = 1
    over = over_after(0.2)
    await asyncio.wait_for(open_now.leaving.until(over, 0.01), 10)
    assert over()


async def test_a_connection_is_told_twice_and_closed_once_it_is_quiet(open_now):
    handler = Handler(idle=False, closed=lambda: open_now.connections.forget(open_now.front))
    open_now.handlers.add(handler)
    await open_now.leaving.until(over_after(0.4), 0.01)
    assert (handler.draining, handler.told, len(open_now.connections)) == (True, 2, 1)
    handler.idle = True
    await asyncio.wait_for(open_now.leaving.until(lambda: False, 0.01), 10)
    assert handler.told == 2
