"""What comes behind CONNECT to a host that is passed through: its name, or why there is none."""

from __future__ import annotations

import asyncio
import socket
import ssl
from types import SimpleNamespace

import pytest

from proxy.approved_tunnel import PROTOCOLS
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


KEYS = bytes(range(256)) * 8  # what either side of SSH sends behind its version, more than an opening keeps
SPOKEN = {
    "a server that sends version and keys at once": (b"SSH-2.0-c\r\n", [b"SSH-2.0-dropbear\r\n" + KEYS]),
    "a client that has not waited": (b"SSH-2.0-c\r\n" + KEYS * 16, [b"SSH-2.0-s\r\n"]),
    "a server that greets first": (b"SSH-2.0-c\r\n", [b"Welcome,\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\nSSH-2.0-s\r\n" + KEYS]),
    "a version in pieces": (b"SSH-2.0-c\r\n", [b"hello\nSS", b"H-2", b".0-s\r\n", KEYS]),
}


@pytest.mark.parametrize(("asked", "answers"), SPOKEN.values(), ids=SPOKEN.keys())
async def test_what_is_approved_passes_however_it_is_cut(asked, answers):
    told, heard = await between(asked, answers)
    assert (told, heard) == (asked, b"".join(answers))


STRANGE = {
    "a text without end": [b"a line of a chat\r\n" * 40],
    "bytes that are no text": [b"hello\r\n\x00\x01", b"SSH-2.0-s\r\n"],
    "another version of SSH": [b"SSH-1.5-s\r\n"],
    "a line that pretends to go on": [b"SSH-hello\r\nSSH-2.0-s\r\n"],
}


@pytest.mark.parametrize("answers", STRANGE.values(), ids=STRANGE.keys())
async def test_what_is_not_approved_does_not_pass(answers):
    assert await between(b"SSH-2.0-c\r\n", answers, strange=True) == (b"SSH-2.0-c\r\n", b"")


async def between(asked, answers, strange=False):
    """What an SSH server is told and its client hears, where the client's bytes came before the server was reached."""
    passed = {True: b"", False: b""}

    class Peer:
        def __init__(self, is_server):
            self.is_server = is_server

        def write(self, data):
            passed[self.is_server] += data

    sides = []
    for is_server in (False, True):
        made = side(b"")
        made._transport = SimpleNamespace(abort=lambda: None, is_closing=lambda: True, pause_reading=lambda: None)
        made.expected = PROTOCOLS["ssh"].server if is_server else PROTOCOLS["ssh"].client
        sides.append(made)
    client, origin = sides
    client.data_received(asked)
    client.join(Peer(True), lambda _: None)
    origin.join(Peer(False), lambda _: None)
    for each in answers:
        origin.data_received(each)
    assert origin.strange is strange
    assert not client.strange
    return passed[True], passed[False]
