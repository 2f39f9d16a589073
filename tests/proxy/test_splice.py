"""What comes behind CONNECT to a host that is passed through: its name, or why there is none."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from proxy.recording import Exchange
from proxy.splice import ClientGone, NotSpoken, _abort, _hello, _relay, _Side
from tests.proxy.test_recording import ALLOW, facts


def client_hello(name="site.test"):
    outgoing = ssl.MemoryBIO()
    connection = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


def side(data, ended=False):
    made = _Side()
    made.connection_made(asyncio.Transport())
    made.held += data
    made.ended = ended
    return made


async def test_a_hello_that_comes_in_two_pieces_names_its_host():
    sent = client_hello()
    client = side(sent[:50])
    asyncio.get_running_loop().call_soon(client.data_received, sent[50:])
    assert (await _hello(client, 10)).name == "site.test"


REFUSED = {
    "HTTP": (b"GET / HTTP/1.1\r\n", False, "not a handshake record"),
    "half a hello, and the end": (client_hello()[:50], True, "no ClientHello behind CONNECT"),
    "half a hello, and nothing": (client_hello()[:50], False, "within 0.05 s"),
    "a hello that contradicts itself": (b"\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03", False, "too large"),
}


@pytest.mark.parametrize(("sent", "ended", "why"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_no_hello_is_refused(sent, ended, why):
    with pytest.raises(NotSpoken, match=why):
        await _hello(side(sent, ended), 0.05)


@pytest.mark.parametrize(("ended", "found"), [(True, ClientGone), (False, NotSpoken)])
async def test_who_says_nothing_has_left_or_is_late(ended, found):
    with pytest.raises(found):
        await _hello(side(b"", ended), 0.05)


@pytest.mark.parametrize("ending", ["idle", "cut"])
async def test_a_peer_that_reads_nothing_does_not_keep_its_socket(ending):
    loop, exchange, pairs = asyncio.get_running_loop(), Exchange(facts(), ALLOW), []
    for _ in range(2):
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        pairs.append((await loop.create_connection(_Side, sock=ours), theirs))
    ((_, client), browser), ((_, origin), site) = pairs
    for side in (client, origin):
        side.write(b"x" * 4_000_000)  # more than any socket takes
    if ending == "cut":
        loop.call_soon(_abort, client, origin)
    async with asyncio.timeout(10):
        await _relay(client, origin, exchange, 0.1 if ending == "idle" else 60, lambda: None)
        await client.lost.wait()
        await origin.lost.wait()
    assert exchange.outcome == ("timeout" if ending == "idle" else "ok")
    for end in (browser, site):
        end.close()
