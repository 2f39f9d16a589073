"""A redirected connection behind a real socket; where it was meant to go is said by the test."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_address

import pytest

from proxy import transparent
from proxy.identity.identified import Problem
from proxy.transparent import TransparentFront, network_identity
from tests.proxy.policy import snapshot
from tests.proxy.test_front import Served
from tests.proxy.test_splice import client_hello
from tests.proxy.workers import Names, node

SITE, OTHER = ip_address("203.0.113.9"), ip_address("203.0.113.10")
WHO = "owner: Library, reason: kiosks, since: 2026-11-01"
DEVICES = f"""\
  transparent: {{listen: ["127.0.0.1:8083"], networks: [{{name: devices, network: "127.0.0.0/24", {WHO}}}]}}
  approved_addresses: [{{address: "203.0.113.20:443", {WHO}}}]
  passthrough: [{{host: bank.test, {WHO}}}]
schools: {{lincoln: ["127.0.0.0/8"]}}
"""
HEAD = b"GET /page HTTP/1.1\r\nHost: %s\r\n\r\n"


class Redirected(Served):
    def _front(self):
        self.fronts.append(TransparentFront(self.node, self.engine, self.connections))
        return self.fronts[-1]


def served_by(text):
    made = node()
    made.in_force = replace(made.in_force, limits=made.limits.model_copy(update={"hello_seconds": 0.5}))
    policy = snapshot(f"proxy:\n  public_name: filter.test\n{text}", ("vpn: vpn.test",))
    made.in_force = replace(made.in_force, snapshot=policy)
    made.resolver = Names({"site.test": (SITE,), "bank.test": (SITE,), "adult.test": (SITE,), "vpn.test": (SITE,)})
    return Redirected(made)


@pytest.fixture
async def served(monkeypatch):
    meant(monkeypatch, SITE)
    async with served_by(DEVICES) as made:
        yield made


def meant(monkeypatch, address, port=443):
    found = None if address is None else (address, port)
    monkeypatch.setattr(transparent, "original_destination", lambda _: found)


async def test_a_hello_becomes_a_tunnel_to_its_name_with_every_byte(served):
    hello = client_hello("site.test")
    assert await served.say(hello[:1], hello[1:7], hello[7:], until=b"engine") == b"engine"
    ((tunnel, data),) = served.engine.handed
    assert (tunnel.host, tunnel.port, tunnel.original, data) == ("site.test", 443, SITE, hello)
    assert (tunnel.identified.user, tunnel.identified.method) == (None, "network:devices")
    assert tunnel.exchange.facts.identity == "network:devices"


async def test_a_head_becomes_a_tunnel_to_its_host_with_every_byte(served, monkeypatch):
    meant(monkeypatch, SITE, 80)
    head = HEAD % b"Site.Test"
    assert await served.say(head[:5], head[5:], until=b"engine") == b"engine"
    ((tunnel, data),) = served.engine.handed
    assert (tunnel.host, tunnel.port, data) == ("site.test", 80, head)


async def test_a_blocked_name_is_opened_so_that_its_page_can_be_shown(served):
    assert await served.say(client_hello("adult.test"), until=b"engine") == b"engine"
    assert served.engine.handed[0][0].exchange.verdict.reason == "category.pornography"


REFUSED = [
    ("a name of another address", "site.test", OTHER, 443, "address.mismatch", 421),
    ("a name without an address", "nowhere.test", SITE, 443, "address.mismatch", 421),
    ("a port that is not allowed", "site.test", SITE, 8443, "address.port", 403),
    ("a name that is none", "a..b", SITE, 443, "protocol.malformed", 400),
]


@pytest.mark.parametrize("row", REFUSED, ids=[row[0] for row in REFUSED])
async def test_refused_with_the_end_of_tls_and_with_a_page_of_http(served, monkeypatch, row):
    _, name, address, port, reason, status = row
    meant(monkeypatch, address, port)
    assert await served.say(hello_of(name)) == b""
    answer = await served.say(HEAD % name.encode())
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert served.records == [("block", reason, status)] * 2
    assert served.engine.handed == []


def hello_of(name):
    """A ClientHello for a name that ssl would not send."""
    filler = "x" * len(name)
    return client_hello(filler).replace(filler.encode(), name.encode())


async def test_a_name_whose_answers_change_is_asked_anew_before_it_is_refused(served, monkeypatch):
    served.node.resolver.newer["site.test"] = (SITE, OTHER)
    meant(monkeypatch, OTHER)
    assert await served.say(client_hello("site.test"), until=b"engine") == b"engine"
    assert served.engine.handed[0][0].exchange.verdict.forwards
    served.node.resolver.newer["site.test"] = (SITE, ip_address("10.0.0.1"), OTHER)
    await served.say(client_hello("site.test"), until=b"engine")
    assert served.engine.handed[1][0].exchange.verdict.reason == "address.private"


async def test_without_a_name_only_an_approved_address_is_reached(served, monkeypatch):
    await served.say(client_hello(None), until=b"engine")  # held: a page can be shown
    assert served.engine.handed[0][0].exchange.verdict.reason == "address.literal"
    meant(monkeypatch, ip_address("203.0.113.20"))
    await served.say(client_hello(None), until=b"engine")
    assert served.engine.handed[1][0].host == "203.0.113.20"
    assert served.engine.handed[1][0].exchange.verdict.forwards


async def test_an_address_as_host_has_to_be_the_one_that_was_meant(served, monkeypatch):
    meant(monkeypatch, OTHER, 443)
    answer = await served.say(HEAD % b"203.0.113.20:443")
    assert answer.startswith(b"HTTP/1.1 421 ")


async def test_a_host_with_another_port_is_a_lie(served, monkeypatch):
    meant(monkeypatch, SITE, 80)
    answer = await served.say(HEAD % b"site.test:8080")
    assert answer.startswith(b"HTTP/1.1 421 ")


async def test_what_nobody_redirected_is_refused(served, monkeypatch):
    meant(monkeypatch, None)
    assert await served.say(client_hello("site.test")) == b""
    assert (await served.say(HEAD % b"site.test")).startswith(b"HTTP/1.1 400 ")
    assert [record.detail for record in served.node.spool.records] == ["a connection that no router has redirected"] * 2


@pytest.mark.parametrize("required", ["true", "false"])
async def test_a_client_of_no_named_network_is_refused(monkeypatch, required):
    meant(monkeypatch, SITE)
    elsewhere = DEVICES.replace("127.0.0.0/24", "127.9.0.0/24") + f"identity: {{required: {required}}}\n"
    async with served_by(elsewhere) as served:
        assert await served.say(client_hello("site.test")) == b""
        answer = await served.say(HEAD % b"site.test")
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert b"Proxy-Authenticate" not in answer
        assert served.records == [("block", "identity.required", 403)] * 2
        assert served.engine.handed == []


async def test_a_client_that_does_not_go_on_is_closed_and_recorded(served):
    short = served.node.limits.model_copy(update={"hello_seconds": 0.1})
    served.node.in_force = replace(served.node.in_force, limits=short)
    for sent in (b"", b"\x16", b"EHLO", b"\x13BitTor"):
        assert await served.say(sent) == b""
    assert served.records == [("block", "bypass.raw", 403)] * 4
    served.node.spool.records.clear()
    assert (await served.say(b"GET / HT")).startswith(b"HTTP/1.1 408 ")
    assert await served.say(client_hello("site.test")[:50]) == b""
    assert served.records == [("block", "protocol.malformed", 408)] * 2


async def test_a_failure_is_a_503_of_http_and_the_end_of_tls(served, monkeypatch):
    monkeypatch.setattr(transparent, "judge", lambda *_: 1 / 0)
    with pytest.raises(ConnectionResetError):
        await served.say(client_hello("site.test"))
    assert (await served.say(HEAD % b"site.test")).startswith(b"HTTP/1.1 503 ")
    assert [record[1] for record in served.records] == ["error.hook"] * 2
    assert served.engine.handed == []


async def test_a_host_that_is_passed_through_is_spliced_in_tls_and_read_in_http(served, monkeypatch):
    spliced = []

    async def splice(transport, rest, exchange, *_):
        spliced.append((rest, exchange.facts.host))
        transport.close()

    monkeypatch.setattr("proxy.front.splice", splice)
    hello = client_hello("bank.test")
    assert await served.say(hello) == b""
    assert spliced == [(hello, "bank.test")]
    meant(monkeypatch, SITE, 80)
    assert await served.say(HEAD % b"bank.test", until=b"engine") == b"engine"


def test_the_network_speaks_for_its_devices_and_for_nobody_else():
    policy = snapshot(f"proxy:\n{DEVICES}")
    assert network_identity("127.0.0.7", policy).proved_by == "network:devices"
    assert network_identity("::ffff:127.0.0.7", policy).proved_by == "network:devices"
    assert network_identity("127.0.1.7", policy).problem is Problem.REQUIRED


async def test_nobody_waits_for_a_client_that_has_gone(served):
    _, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.close()
    await writer.wait_closed()
    assert served.records == []


RAW = [
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", "bypass.ssh"),
    ("SSH whose line never ends", b"SSH-2.0-OpenSSH_9.2", "bypass.ssh"),
    ("SSH that stops in its line's end", b"SSH-2.0-OpenSSH_9.2\r", "bypass.ssh"),
    ("BitTorrent", b"\x13BitTorrent protocol" + bytes(48), "p2p.bittorrent"),
    ("SOCKS", b"\x05\x01\x00", "bypass.socks"),
    ("noise", b"\x99" * 300, "bypass.raw"),
    ("TLS that is no hello", b"\x16\x03\x01\x00\x05\x02aaaa", "bypass.raw"),
]


@pytest.mark.parametrize(("sent", "reason"), [row[1:] for row in RAW], ids=[row[0] for row in RAW])
async def test_what_is_not_the_web_is_closed_and_recorded_by_what_it_shows(served, sent, reason):
    assert await served.say(sent) == b""
    assert await served.say(sent[:1], sent[1:2], sent[2:]) == b""
    assert [record[:2] for record in served.records] == [("block", reason)] * 2
    assert served.engine.handed == []
