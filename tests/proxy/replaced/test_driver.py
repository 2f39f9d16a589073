"""The driver: hooks where they are asked for, events in their order, one write, and a crash that is reported."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from mitmproxy.proxy.commands import CloseConnection, SendData, StartHook
from mitmproxy.proxy.events import Start
from mitmproxy.proxy.server import ConnectionIO

from proxy.replaced.driver import _UNDER_WAY, _server_event


@dataclass
class AskedHook(StartHook):
    data: object


class Writer:
    def __init__(self, told):
        self._told = told

    def is_closing(self):
        return False

    def write(self, data):
        self._told.append(data)


class Handler:
    """A handler whose layer answers each event with what `table` has for it; `told` is what came out."""

    def __init__(self, table, hook=None):
        self.told = []
        self.waiting, self.is_cut = None, False
        self.transports = {"client": ConnectionIO(handler=SimpleNamespace(), writer=Writer(self.told))}
        self.timeout_watchdog = SimpleNamespace(register_activity=lambda: None)
        self.layer = self
        self._table, self._hook = table, hook

    def handle_event(self, event):
        yield from self._table[type(event).__name__]

    def hears(self, name):
        return self._hook is not None

    def begin_hook(self, hook):
        self.told.append("hook")
        begun = asyncio.Task(self._hook(self), loop=asyncio.get_running_loop(), eager_start=True)
        return None if begun.done() else begun

    async def finish_hook(self, hook, begun):
        await begun

    async def server_event(self, event):
        await _server_event(self, event)

    def close_connection(self, connection, half):
        self.told.append("half-closed" if half else "closed")

    def log(self, message, level, exc_info=None):
        self.told.append(message)


def send(data):
    return SendData("client", data)


async def at_once(handler):
    pass


async def later(handler):
    await asyncio.sleep(0)
    handler.told.append("later")


async def told(table, hook=None):
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    handler = Handler(table, hook)
    await handler.server_event(Start())
    await asyncio.gather(*_UNDER_WAY)
    return handler.told


TABLES = {
    "what one event sends leaves together": ({"Start": [send(b"a"), send(b"b")]}, None, [b"ab"]),
    "and before the connection closes": (
        {"Start": [send(b"a"), CloseConnection("client"), send(b"b")]}, None, [b"a", "closed", b"b"]),
    "but no more than a buffer": (
        {"Start": [send(b"a" * 40_000), send(b"b" * 40_000), send(b"c")]}, None, [b"a" * 40_000 + b"b" * 40_000, b"c"]),
    "nothing is sent on a connection that has gone": ({"Start": [SendData("server", b"a")]}, None, []),
    "a hook runs where it is asked for, and completes behind the event": (
        {"Start": [AskedHook(1), send(b"a")], "HookCompleted": [send(b"b")]}, at_once, ["hook", b"ab"]),
    "nobody's hook completes as well": (
        {"Start": [AskedHook(1), send(b"a")], "HookCompleted": [send(b"b")]}, None, [b"ab"]),
    "a hook that waits holds nothing up": (
        {"Start": [AskedHook(1), send(b"a")], "HookCompleted": [send(b"b")]}, later, ["hook", b"a", "later", b"b"]),
    "a crash of a layer is reported, and what came before it is sent": (
        {"Start": (1 / 0 if number else send(b"a") for number in range(2))}, None, ["mitmproxy has crashed!", b"a"]),
    "and so is what nobody knows": ({"Start": ["?"]}, None, ["mitmproxy has crashed!"]),
}  # fmt: skip


@pytest.mark.parametrize(("table", "hook", "expected"), TABLES.values(), ids=TABLES.keys())
async def test_what_an_event_leads_to(table, hook, expected):
    assert await told(table, hook) == expected


async def test_an_event_that_comes_while_another_is_handled_has_its_turn_later():
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    order = []

    def first():
        asyncio.get_running_loop().create_task(second())
        order.append("the first is handled")
        yield send(b"a")

    async def second():
        handler.layer = SimpleNamespace(handle_event=lambda event: order.append("the second is handled") or ())
        await handler.server_event(Start())
        order.append("the second's caller goes on")

    handler = Handler({})
    handler.layer = SimpleNamespace(handle_event=lambda event: first())
    await handler.server_event(Start())
    await asyncio.sleep(0)
    assert order == ["the first is handled", "the second is handled", "the second's caller goes on"]
