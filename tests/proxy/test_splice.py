"""How much of a ClientHello has come: told from lengths alone, against a parser that reads it whole."""

from __future__ import annotations

import contextlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.proxy.layers.tls import parse_client_hello

from proxy.splice import NoClientHello, _is_whole


def client_hello(name="site.test"):
    outgoing = ssl.MemoryBIO()
    context = ssl.create_default_context()
    connection = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


def in_records(hello, size):
    body = hello[5:]
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2) + piece for piece in pieces)


HELLO = client_hello()


@pytest.mark.parametrize("size", [16_000, 400, 100], ids=["one record", "two records", "several"])
def test_a_hello_is_whole_exactly_when_a_parser_has_all_of_it(size):
    sent = in_records(HELLO, size)
    for length in range(len(sent) + 1):
        assert _is_whole(sent[:length]) is (parse_client_hello(sent[:length]) is not None)


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n", b"\x17\x03\x03\x00\x10", b"\x16\x02\x00\x00\x10", b"\x16\x03\x01\x00\x00" * 3, b"S",
     b"\x16\x03\x01\x00\x02\x01\x00" * 4],
    ids=["HTTP", "another record", "SSL 2", "empty records", "one byte of SSH", "a header in two records"],
)  # fmt: skip
def test_what_is_no_hello_is_refused(data):
    with pytest.raises(NoClientHello):
        _is_whole(data)


def test_a_hello_in_single_bytes_of_records_is_refused_after_sixteen():
    sent = b"\x16\x03\x01\x00\x04" + HELLO[5:9] + in_records(b"     " + HELLO[9:], 1)
    with pytest.raises(NoClientHello, match="too many records"):
        _is_whole(sent)
    assert not any(_is_whole(sent[:length]) for length in range(9 + 14 * 6))


@given(st.binary(max_size=300))
def test_any_bytes_are_judged_without_another_error(data):
    with contextlib.suppress(NoClientHello):
        assert _is_whole(data) in (True, False)
