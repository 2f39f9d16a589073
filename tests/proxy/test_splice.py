"""What comes behind CONNECT to a host that is passed through: its name, or why there is none."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from proxy.splice import ClientGone, NoClientHello, _server_name, _Side


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
    assert await _server_name(client, 10) == "site.test"


REFUSED = {
    "HTTP": (b"GET / HTTP/1.1\r\n", False, "not a handshake record"),
    "half a hello, and the end": (client_hello()[:50], True, "no ClientHello behind CONNECT"),
    "half a hello, and nothing": (client_hello()[:50], False, "within 0.05 s"),
    "a hello that contradicts itself": (b"\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03", False, "too large"),
}


@pytest.mark.parametrize(("sent", "ended", "why"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_no_hello_is_refused(sent, ended, why):
    with pytest.raises(NoClientHello, match=why):
        await _server_name(side(sent, ended), 0.05)


@pytest.mark.parametrize("ended", [True, False])
async def test_who_says_nothing_has_left(ended):
    with pytest.raises(ClientGone):
        await _server_name(side(b"", ended), 0.05)
