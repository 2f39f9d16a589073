from __future__ import annotations

import socket
from dataclasses import dataclass, field
from ipaddress import ip_address
from types import SimpleNamespace

import pytest

from proxy.connect import NameNotFound
from proxy.worker_state import WorkerState, judge
from tests.proxy.policy import facts, snapshot

PUBLIC, PRIVATE = ip_address("93.184.216.34"), ip_address("10.0.0.1")


@dataclass
class Names:
    table: dict = field(default_factory=dict)
    known: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)

    def cached(self, host):
        return self.known.get(host)

    async def resolve(self, host):
        self.asked.append(host)
        if host not in self.table:
            raise NameNotFound(f"{host} does not resolve")
        return self.table[host]


def node(names, has_room=True, ports=()):
    in_force = SimpleNamespace(snapshot=snapshot("proxy: {public_name: filter.test}\n"))
    return WorkerState(in_force, None, None, SimpleNamespace(has_room=has_room), names, None, frozenset(ports), {})


async def test_a_name_that_resolves_to_a_private_address_is_refused_before_it_is_dialled():
    names = Names({"site.test": (PUBLIC, PRIVATE)})
    stated, verdict = await judge(facts(), node(names))
    assert (verdict.reason, verdict.status) == ("address.private", 403)
    assert stated.addresses == (PUBLIC, PRIVATE)


async def test_an_allowed_name_is_asked_once_and_its_addresses_are_stated():
    names = Names({"site.test": (PUBLIC,)})
    stated, verdict = await judge(facts(), node(names))
    assert verdict.forwards
    assert (stated.addresses, names.asked) == ((PUBLIC,), ["site.test"])


async def test_a_known_name_is_not_asked_again():
    names = Names(known={"site.test": (PRIVATE,)})
    _, verdict = await judge(facts(), node(names))
    assert verdict.reason == "address.private"
    assert names.asked == []


async def test_a_blocked_name_is_never_asked():
    names = Names()
    _, verdict = await judge(facts("https://adult.test/"), node(names))
    assert verdict.reason == "category.pornography"
    assert names.asked == []


async def test_a_dead_name_keeps_its_verdict():
    _, verdict = await judge(facts(), node(Names()))
    assert verdict.forwards


async def test_our_own_name_is_never_asked():
    names = Names()
    _, verdict = await judge(facts("http://filter.test/"), node(names))
    assert verdict.forwards
    assert names.asked == []


async def test_without_room_for_its_record_a_request_is_blocked():
    _, verdict = await judge(facts(), node(Names(), has_room=False))
    assert (verdict.reason, verdict.status, verdict.forwards) == ("error.usage-log", 503, False)


def test_the_filter_does_not_connect_to_itself_by_any_address_of_this_machine():
    made = node(Names(), ports=[18080])
    own = ip_address(socket.gethostbyname("localhost"))
    assert made.refuses(own, 18080) is not None
    assert made.refuses(PUBLIC, 18080) is None
    assert made.refuses(PUBLIC, 443) is None


@pytest.mark.parametrize("address", ["10.1.1.1", "127.0.0.1", "::1", "169.254.1.1", "::ffff:10.0.0.1"])
def test_private_destinations_are_refused_at_the_dial_too(address):
    assert node(Names()).refuses(ip_address(address), 443) is not None


async def test_our_own_pages_are_shown_even_where_the_log_is_full():
    _, verdict = await judge(facts("http://filter.test/help"), node(Names(), has_room=False))
    assert verdict.forwards
