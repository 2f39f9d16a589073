from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from proxy import policy_watch
from proxy.policy_watch import PolicyWatch
from proxy.recording import Exchange
from proxy.verdict import Action, Verdict
from tests.proxy.policy import facts, snapshot

ALLOW = Verdict(Action.ALLOW, "default", 7)


class Files:
    """A state_dir as the watch sees it: marks that change, and what is behind them."""

    def __init__(self):
        self.now = 1
        self.entries = ()
        self.broken = None

    def marks(self):
        return ((self.now, 0, 0),)

    def accounts(self):
        return "accounts"

    def in_force(self):
        if self.broken:
            raise self.broken
        return SimpleNamespace(snapshot=snapshot("", self.entries))


class Identity:
    def __init__(self):
        self.closed = set()
        self.swapped = []

    def swap(self, accounts):
        self.swapped.append(accounts)

    def active(self, user):
        return user not in self.closed


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(policy_watch, "_LOOK_SECONDS", 0.01)


@pytest.fixture
async def watched():
    files = Files()
    node = SimpleNamespace(in_force=files.in_force(), identity=Identity(), recorder=SimpleNamespace(open=()))
    node.connections = []
    watch = PolicyWatch(node, files, files.marks(), lambda: node.connections)
    task = asyncio.create_task(watch.run())
    yield files, node, watch
    task.cancel()


def open_exchange(url, **changes):
    cut = []
    exchange = Exchange(facts(url, **changes), ALLOW)
    exchange.cut = lambda: cut.append(True)
    return exchange, cut


async def swapped(node, old):
    async with asyncio.timeout(20):
        while node.in_force is old:  # noqa: ASYNC110  # what is swapped is the attribute itself
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)


async def test_what_did_not_change_is_not_built_again(watched):
    _, node, _ = watched
    before = node.in_force
    await asyncio.sleep(0.1)
    assert node.in_force is before


async def test_a_new_generation_comes_into_force_and_cuts_what_it_blocks(watched):
    files, node, _ = watched
    blocked, cut_blocked = open_exchange("https://bad.test/")
    other, cut_other = open_exchange("https://good.test/")
    node.recorder.open = (blocked, other)
    before = node.in_force
    files.entries = ("malware: bad.test",)
    files.now = 2
    await swapped(node, before)
    assert (cut_blocked, cut_other) == ([True], [])
    assert (blocked.outcome, blocked.detail) == ("policy", "cut off: blocked by a later policy")
    assert other.outcome == "ok"
    assert node.identity.swapped == ["accounts"]


async def test_a_disabled_account_loses_what_it_has_open(watched):
    files, node, _ = watched
    open_now, cut = open_exchange("https://good.test/")
    node.recorder.open = (open_now,)
    node.identity.closed.add("ana")
    before = node.in_force
    files.now = 2
    await swapped(node, before)
    assert cut == [True]
    assert open_now.detail == "cut off: the account is disabled"


async def test_what_cannot_be_judged_again_is_cut_and_the_rest_is_judged(watched):
    files, node, _ = watched
    broken, cut_broken = open_exchange("https://good.test/")
    broken.facts = object()
    blocked, cut_blocked = open_exchange("https://bad.test/")
    node.recorder.open = (broken, blocked)
    before = node.in_force
    files.entries = ("malware: bad.test",)
    files.now = 2
    await swapped(node, before)
    assert (cut_broken, cut_blocked) == ([True], [True])
    assert broken.detail == "cut off: it could not be judged again"


def idle_tunnel(url, verdict=ALLOW):
    """A connection whose CONNECT was answered, with no request under way."""
    exchange = Exchange(facts(url, "connect"), verdict)
    exchange.ended = True
    closed = []
    tunnel = SimpleNamespace(exchange=exchange)
    return SimpleNamespace(tunnel=tunnel, close=closed.append), closed


async def test_idle_tunnels_to_what_is_blocked_now_are_closed_and_no_others(watched):
    files, node, _ = watched
    blocked, closed_blocked = idle_tunnel("https://bad.test/")
    held, closed_held = idle_tunnel("https://bad.test/", Verdict(Action.BLOCK, "category.malware", 7, status=403))
    other, closed_other = idle_tunnel("https://good.test/")
    plain = SimpleNamespace(tunnel=None)
    node.connections = [blocked, held, other, plain]
    before = node.in_force
    files.entries = ("malware: bad.test",)
    files.now = 2
    await swapped(node, before)
    assert (closed_blocked, closed_held, closed_other) == (["policy"], [], [])


async def test_a_disabled_account_loses_its_idle_tunnels(watched):
    files, node, _ = watched
    connection, closed = idle_tunnel("https://good.test/")
    node.connections = [connection]
    node.identity.closed.add("ana")
    before = node.in_force
    files.now = 2
    await swapped(node, before)
    assert closed == ["policy"]


async def test_what_cannot_be_built_changes_nothing_and_is_told(watched):
    files, node, watch = watched
    before = node.in_force
    files.broken = ValueError("revision 8: no good")
    files.now = 2
    async with asyncio.timeout(20):
        while watch.problem is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert node.in_force is before
    assert watch.problem == "revision 8: no good"
    files.broken = None
    files.now = 3
    await swapped(node, before)
    assert watch.problem is None


async def test_a_hangup_reads_everything_again(watched):
    _, node, watch = watched
    before = node.in_force
    watch.look_now()
    await swapped(node, before)
