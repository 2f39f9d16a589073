from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address

import pytest

from proxy import connect
from proxy.connect import AddressRefused, ConnectFailed, ConnectTimedOut, Dialer, NameNotFound, Resolver

LOOPBACK = ip_address("127.0.0.1")


@pytest.fixture
def names(monkeypatch):
    """What the system's resolver says, and how often it was asked."""
    table: dict[str, object] = {}
    asked: list[str] = []

    def getaddrinfo(host, port, **_):
        asked.append(host)
        answer = table[host]
        if isinstance(answer, Exception):
            raise answer
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in answer]

    monkeypatch.setattr(connect.socket, "getaddrinfo", getaddrinfo)
    return table, asked


@pytest.fixture
def resolver():
    resolver = Resolver(timeout=2)
    yield resolver
    resolver.close()


async def test_a_name_is_asked_once_by_many_requests_and_then_cached(names, resolver):
    table, asked = names
    table["a.test"] = ["127.0.0.1"]
    answers = await asyncio.gather(*(resolver.resolve("a.test") for _ in range(20)))
    assert set(answers) == {(LOOPBACK,)}
    assert resolver.cached("a.test") == (LOOPBACK,)
    assert asked == ["a.test"]


async def test_a_positive_answer_is_asked_again_after_a_minute(names):
    table, asked = names
    now = [0.0]
    table["a.test"] = ["127.0.0.1"]
    resolver = Resolver(2, clock=lambda: now[0])
    await resolver.resolve("a.test")
    now[0] = 61.0
    assert resolver.cached("a.test") is None
    await resolver.resolve("a.test")
    assert len(asked) == 2
    resolver.close()


async def test_a_dead_name_is_remembered_for_a_short_time(names, resolver):
    table, asked = names
    table["dead.test"] = socket.gaierror(-2, "Name or service not known")
    for _ in range(3):
        with pytest.raises(NameNotFound, match="Name or service not known"):
            await resolver.resolve("dead.test")
    assert asked == ["dead.test"]
    assert resolver.cached("dead.test") is None


async def test_answers_that_change_are_remembered_for_minutes_and_asked_past_the_cache(names):
    table, asked = names
    now = [0.0]
    resolver = Resolver(2, clock=lambda: now[0])
    table["a.test"] = ["192.0.2.1"]
    await resolver.resolve("a.test")
    table["a.test"] = ["192.0.2.2"]
    assert list(map(str, await resolver.lately("a.test"))) == ["192.0.2.1"]  # asked less than a second ago
    now[0] = 2.0
    assert list(map(str, await resolver.lately("a.test"))) == ["192.0.2.1", "192.0.2.2"]
    assert list(map(str, resolver.cached("a.test") or ())) == ["192.0.2.2"]
    assert len(asked) == 2
    now[0] = 301.0
    assert list(map(str, await resolver.lately("a.test"))) == ["192.0.2.2"]
    resolver.close()


async def test_a_name_that_is_asked_anew_in_vain_keeps_its_answer(names):
    table, asked = names
    now = [0.0]
    resolver = Resolver(2, clock=lambda: now[0])
    table["a.test"] = ["127.0.0.1"]
    await resolver.resolve("a.test")
    table["a.test"], now[0] = socket.gaierror(-2, "Name or service not known"), 5.0
    assert [await resolver.lately("a.test") for _ in range(3)] == [(LOOPBACK,)] * 3
    assert resolver.cached("a.test") == (LOOPBACK,)
    assert len(asked) == 2
    now[0] = 61.0
    with pytest.raises(NameNotFound):
        await resolver.lately("a.test")
    resolver.close()


async def test_no_more_addresses_of_a_name_are_remembered_than_there_is_room_for(names):
    table, _ = names
    now = [0.0]
    resolver = Resolver(2, clock=lambda: now[0])
    for number in range(100):
        now[0] += 2
        table["a.test"] = [f"192.0.2.{number}"]
        found = await resolver.lately("a.test")
    assert len(found) == 65
    assert found[-1] == ip_address("192.0.2.99")
    resolver.close()


async def test_a_silent_name_server_costs_the_time_limit_and_no_more(names):
    table, _ = names
    resolver = Resolver(timeout=0.05)

    class Slow(list):
        def __iter__(self):
            import time

            time.sleep(0.5)
            return iter(())

    table["slow.test"] = Slow()
    with pytest.raises(NameNotFound, match=r"no answer for slow\.test within 0\.05 s"):
        await resolver.resolve("slow.test")
    resolver.close()


async def test_an_address_literal_is_never_asked(names, resolver):
    assert await resolver.resolve("127.0.0.1") == (LOOPBACK,)
    assert names[1] == []


async def test_one_refused_address_of_many_refuses_the_name(names, resolver):
    table, _ = names
    table["rebinding.test"] = ["192.0.2.1", "10.0.0.1"]
    dialer = Dialer(resolver, lambda address, _: "private" if str(address) == "10.0.0.1" else None, timeout=1)
    with pytest.raises(AddressRefused):
        await dialer.socket_to("rebinding.test", 80)


async def test_the_connection_goes_to_the_judged_address(names, resolver):
    table, asked = names
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    table["ok.test"] = ["127.0.0.1"]
    judged = []
    dialer = Dialer(resolver, lambda address, port: judged.append((address, port)), timeout=2)
    sock = await dialer.socket_to("ok.test", port)
    assert sock.getpeername() == ("127.0.0.1", port)
    assert judged == [(LOOPBACK, port)]
    assert asked == ["ok.test"]
    sock.close()
    server.close()
    await server.wait_closed()


async def test_a_refused_connection_is_told_from_a_silent_one(names, resolver):
    table, _ = names
    table["refused.test"] = ["127.0.0.1"]
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dialer = Dialer(resolver, lambda *_: None, timeout=2)
        with pytest.raises(ConnectFailed):
            await dialer.socket_to("refused.test", closed.getsockname()[1])


async def test_a_silent_origin_costs_the_time_limit(names, resolver, monkeypatch):
    async def never(*_, **__):
        await asyncio.sleep(60)

    table, _ = names
    table["silent.test"] = ["127.0.0.1"]
    monkeypatch.setattr(connect.aiohappyeyeballs, "start_connection", never)
    with pytest.raises(ConnectTimedOut):
        await Dialer(resolver, lambda *_: None, timeout=0.05).socket_to("silent.test", 80)
