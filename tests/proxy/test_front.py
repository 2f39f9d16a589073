"""The front behind a real socket, with an engine that only says what it was handed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_address
from types import SimpleNamespace

import pytest

from proxy.connect import ConnectFailed
from proxy.connections import Connections
from proxy.front import Front
from tests.proxy.policy import snapshot
from tests.proxy.test_splice import client_hello
from tests.proxy.workers import node

GET = b"GET http://site.test/ HTTP/1.1\r\nHost: site.test\r\n\r\n"
SIGNED = b"Proxy-Authorization: Basic ana\r\n"


def connect(target=b"site.test:443", more=SIGNED):
    return b"CONNECT " + target + b" HTTP/1.1\r\nHost: " + target + b"\r\n" + more + b"\r\n"


class Engine:
    def __init__(self):
        self.handed = []

    async def serve(self, reader, writer, tunnel=None):
        data = await reader.read(65536)
        self.handed.append((tunnel, data))
        writer.write(b"engine")
        await writer.drain()


class Served:
    def __init__(self, made):
        self.node = made
        self.engine = Engine()
        self.connections = Connections(2, 3)
        self.fronts = []

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        self._factory = loop.get_task_factory()
        loop.set_task_factory(asyncio.eager_task_factory)  # as a worker does
        self._server = await loop.create_server(self._front, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def _front(self):
        self.fronts.append(Front(self.node, self.engine, self.connections))
        return self.fronts[-1]

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()
        asyncio.get_running_loop().set_task_factory(self._factory)

    async def say(self, *pieces, until=None):
        """Send the pieces one after the other, and give back all that comes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.02)
            async with asyncio.timeout(10):
                return await (reader.readuntil(until) if until else reader.read())
        finally:
            writer.close()

    @property
    def records(self):
        return [(record.action, record.reason, record.status) for record in self.node.spool.records]


@pytest.fixture
async def served():
    async with Served(node(("vpn: vpn.test",))) as made:
        yield made


MALFORMED = {
    "no HTTP at all": (b"\x16\x03\x01\x00\r\n\r\n", 400),
    "two hosts": (b"GET http://site.test/ HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n", 400),
    "a head over the cap": (b"GET http://site.test/ HTTP/1.1\r\nX: " + b"x" * 3000, 431),
    "a head that never ends": (b"GET http://site.test/ HTTP/1.1\r\n", 408),
    "CONNECT without a port": (connect(b"site.test"), 400),
    "CONNECT to a path": (connect(b"/site"), 400),
}


@pytest.mark.parametrize(("sent", "status"), MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_cannot_be_read_is_refused_recorded_and_closed(served, sent, status):
    answer = await served.say(sent)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert served.records == [("block", "protocol.malformed", status)]
    assert served.engine.handed == []


async def test_a_connect_without_credentials_may_be_repeated_with_them_on_the_same_socket(served):
    answer = await served.say(connect(more=b""), connect(), b"hello", until=b"engine")
    assert answer.startswith(b"HTTP/1.1 407 ")
    assert b"Proxy-Authenticate: Basic" in answer
    assert b"HTTP/1.1 200 Connection established\r\n\r\nengine" in answer
    ((tunnel, data),) = served.engine.handed
    assert (tunnel.host, tunnel.port, tunnel.identified.user, data) == ("site.test", 443, "ana", b"hello")
    assert served.records == [("challenge", "identity.required", 407)]


async def test_challenges_end(served):
    answer = await served.say(connect(more=b"") * 10)  # and the tenth closes, or this would wait for ever
    assert answer.count(b"HTTP/1.1 407 ") == 10
    assert len(served.records) == 10


async def test_a_challenge_with_a_body_announced_closes_the_socket(served):
    answer = await served.say(connect(more=b"Content-Length: 5\r\n"), connect())
    assert answer.count(b"HTTP/1.1 ") == 1
    assert served.engine.handed == []


async def test_a_blocked_category_is_held_so_that_its_page_can_be_shown(served):
    answer = await served.say(connect(b"adult.test:443"), b"x", until=b"engine")
    assert answer == b"HTTP/1.1 200 Connection established\r\n\r\nengine"
    assert served.engine.handed[0][0].exchange.verdict.reason == "category.pornography"


async def test_a_port_that_is_not_allowed_is_refused_at_once(served):
    answer = await served.say(connect(b"site.test:22"))
    assert answer.startswith(b"HTTP/1.1 403 Forbidden")
    assert served.records == [("block", "address.port", 403)]
    assert served.engine.handed == []


async def test_anything_but_connect_goes_to_the_engine_with_every_byte(served):
    await served.say(GET + GET, until=b"engine")
    assert served.engine.handed == [(None, GET + GET)]


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
async def test_a_request_to_the_filter_itself_is_answered_and_closed(served, method):
    answer = await served.say(method + b" /healthz?x HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"Connection: close" in answer
    assert served.records == []


async def test_a_head_in_single_bytes_is_read(served):
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    for position in range(len(connect())):
        writer.write(connect()[position : position + 1])
        await writer.drain()
    writer.write(b"x")
    async with asyncio.timeout(10):
        assert (await reader.readuntil(b"engine")).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_a_full_spool_blocks_before_anything_leaves(served):
    served.node.spool.has_room = False
    answer = await served.say(connect())
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert served.records == [("block", "error.usage-log", 503)]


async def test_where_the_log_is_full_a_connect_is_refused_and_closed(served, caplog):
    served.node.spool.full = True
    served.node.spool.has_room = False
    for head in (connect(), connect(more=b""), connect(b"@:443")):
        assert (await served.say(head)).startswith((b"HTTP/1.1 503 ", b"HTTP/1.1 407 ", b"HTTP/1.1 400 "))
    assert "not recorded: block error.usage-log" in caplog.text


async def test_a_failure_inside_the_front_is_a_block(served, caplog):
    async def broken(header, client):
        raise RuntimeError("broken")

    served.node.identity.identify = broken
    answer = await served.say(connect())
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert served.records == [("block", "error.hook", 503)]
    assert "broken" not in answer.decode()
    assert "so the answer is a block" in caplog.text


async def test_what_fails_behind_mitmproxy_is_recorded_there_and_not_again(served, caplog):
    async def broken(reader, writer, tunnel=None):
        served.node.spool.records.append(SimpleNamespace(action="block", reason="error.hook", status=503))
        raise RuntimeError("broken")

    served.engine.serve = broken
    assert await served.say(GET) == b""
    await asyncio.sleep(0.05)
    assert len(served.node.spool.records) == 1
    assert "so the answer is a block" in caplog.text


PASSED = """proxy:
  public_name: filter.test
  passthrough: [{host: pass.test, owner: a, reason: b, since: 2026-11-01}]
"""

ENDINGS = {
    "the client leaves": (b"", "passthrough"),
    "no TLS": (b"SSH-2.0", "block"),
    "another name": (client_hello("other.test"), "block"),
    "an origin out of reach": (client_hello("pass.test"), "passthrough"),
}


@pytest.mark.parametrize(("sent", "action"), ENDINGS.values(), ids=ENDINGS.keys())
async def test_a_tunnel_that_ends_before_it_opens_leaves_no_deadline_behind(served, sent, action):
    async def socket_to(host, port):
        raise ConnectFailed(f"{host}:{port}")

    served.node.in_force = replace(served.node.in_force, snapshot=snapshot(PASSED))
    served.node.resolver.table["pass.test"] = (ip_address("93.184.216.34"),)
    served.node.dialer.socket_to = socket_to
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(connect(b"pass.test:443") + sent)
    writer.write_eof()
    async with asyncio.timeout(10):
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    assert [each[0] for each in served.records] == [action]
    assert [front._deadline for front in served.fronts] == [None]


async def test_a_client_with_too_many_connections_is_closed(served):
    held = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(2)]
    await asyncio.sleep(0.05)
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await served.say(GET, until=b"engine")
    for _, writer in held:
        writer.close()


async def test_a_client_that_says_nothing_leaves_nothing(served):
    assert await served.say() == b""
    assert served.records == []
    assert len(served.connections) == 0
