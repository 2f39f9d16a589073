from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import redirected
from proxy.client_hello import MalformedHello
from proxy.head import MalformedHead
from proxy.redirected import NotTheWeb, claim_of, has_begun, original_destination, speaks_tls
from tests.proxy.test_splice import client_hello

CAP = 2048
GET = b"GET /x HTTP/1.1\r\nHost: site.test\r\n\r\n"


@dataclass
class Socket:
    family: int
    raw: bytes | None
    own: tuple

    def getsockopt(self, level, name, size):
        if self.raw is None:
            raise FileNotFoundError(2, "No such file or directory")
        assert len(self.raw) == size
        return self.raw

    def getsockname(self):
        return self.own


def four(address, port):
    return struct.pack("=H", socket.AF_INET) + struct.pack(">H", port) + ip_address(address).packed + bytes(8)


def six(address, port):
    return (
        struct.pack("=H", socket.AF_INET6)
        + struct.pack(">HI", port, 7)
        + ip_address(address).packed
        + struct.pack("=I", 0)
    )


OWN, OWN6 = ("10.1.46.1", 8083), ("2001:db8::1", 8083, 0, 0)


def test_where_a_connection_was_meant_to_go() -> None:
    meant = original_destination(Socket(socket.AF_INET, four("203.0.113.9", 443), OWN))
    assert meant == (ip_address("203.0.113.9"), 443)
    meant = original_destination(Socket(socket.AF_INET6, six("2001:db8:f::9", 80), OWN6))
    assert meant == (ip_address("2001:db8:f::9"), 80)


@pytest.mark.parametrize(
    "sock",
    [
        Socket(socket.AF_INET, four(*OWN), OWN),
        Socket(socket.AF_INET6, six("2001:db8::1", 8083), OWN6),
        Socket(socket.AF_INET, None, OWN),
    ],
    ids=["to us, IPv4", "to us, IPv6", "not tracked at all"],
)
def test_what_nobody_redirected_was_meant_for_us(sock) -> None:
    assert original_destination(sock) is None


def test_a_hello_and_a_head_are_read_whole_in_any_segments() -> None:
    for whole, name in ((client_hello("site.test"), "site.test"), (GET, "site.test")):
        assert [claim_of(whole[:length], 0, CAP) for length in (1, 2, 3, len(whole) - 1)] == [None] * 4
        claim = claim_of(whole + b"more", 0, CAP)
        assert claim is not None
        assert (claim.name, claim.tls) == (name, whole is not GET)


def test_a_client_that_names_nobody() -> None:
    hello, head = claim_of(client_hello(None), 0, CAP), claim_of(b"GET / HTTP/1.0\r\n\r\n", 0, CAP)
    assert hello is not None
    assert head is not None
    assert hello.name is head.name is None


BAD = {
    "SSH": b"SSH-2.0-x\r\n",
    "a word that never ends": b"GET " + b"x" * CAP,
    "BitTorrent": b"\x13BitTorrent protocol",
    "SSH, its line not yet ended": b"SSH-2.0-x",
    "a line over the cap of no known method": b"x" * 4096,
    "a line that is no request": b"EHLO site.test\r\n",
    "a proxy's request": b"GET http://site.test/ HTTP/1.1\r\nHost: site.test\r\n\r\n",
    "CONNECT": b"CONNECT site.test:443 HTTP/1.1\r\nHost: site.test:443\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n",
    "TLS that is no hello": b"\x16\x03\x01\x00\x05\x02aaaa",
    "TLS 1.x of another kind": b"\x17\x03\x03\x00\x05aaaaa",
}


@pytest.mark.parametrize("sent", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_read_is_refused(sent: bytes) -> None:
    with pytest.raises((MalformedHello, MalformedHead, NotTheWeb)):
        claim_of(sent, 0, CAP)


def test_a_word_that_may_become_a_head_or_be_named_is_waited_for() -> None:
    assert [claim_of(sent, 0, CAP) for sent in (b"EHLO", b"GET", b"\x13BitTor")] == [None] * 3


BEGUN = {b"": False, b"\x16": False, b"\x16\x03": False, b"\x16\x03\x01": True, b"GET": False, b"GET /": True}


def test_what_has_begun() -> None:
    assert {sent: has_begun(sent) for sent in BEGUN} == BEGUN


def test_a_long_line_is_read_no_further_than_its_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    real = redirected.beginning_of
    monkeypatch.setattr(redirected, "beginning_of", lambda data: read.append(len(data)) or real(data))
    whole = b"GET /" + b"x" * 60_000
    for length in range(1000, len(whole), 1000):
        assert claim_of(whole[:length], length - 1000, 65_536) is None
    assert read == [1000, 2000, 3000, 4000, 4096]


@given(st.binary(min_size=1, max_size=3000))
def test_any_bytes_are_a_claim_or_refused_or_waited_for(data: bytes) -> None:
    try:
        claim = claim_of(data, 0, CAP)
    except (MalformedHello, MalformedHead, NotTheWeb):
        return
    assert claim is None or claim.tls is speaks_tls(data)
