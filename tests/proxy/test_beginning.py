from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.beginning import Beginning, beginning_of

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
CLEAR = {
    "nothing yet": (b"", Beginning.MORE),
    "one byte of TLS": (b"\x16", Beginning.MORE),
    "two bytes of TLS": (b"\x16\x03", Beginning.MORE),
    "a handshake record": (b"\x16\x03\x01", Beginning.TLS),
    "another record of TLS": (b"\x17\x03\x03\x00", Beginning.UNKNOWN),
    "a letter": (b"G", Beginning.MORE),
    "a method": (b"GET", Beginning.MORE),
    "a method and a blank": (b"GET ", Beginning.MORE),
    "a method and a target": (b"GET /", Beginning.HTTP),
    "a request line": (b"GET / HTTP/1.1\r\n", Beginning.HTTP),
    "a request line that is malformed is answered as one": (b"GET  / HTTP/9.9\r\n", Beginning.HTTP),
    "an empty line before it": (b"\r\nGET / HTTP/1.1\r\n", Beginning.HTTP),
    "an empty line": (b"\r\n", Beginning.MORE),
    "half an empty line": (b"\r", Beginning.MORE),
    "HTTP/0.9": (b"GET /\r\n", Beginning.UNKNOWN),
    "a method of somebody's own": (b"BREW /pot HTTP/1.1\r\n", Beginning.HTTP),
    "the beginning of its line": (b"BREW /pot HTT", Beginning.MORE),
    "two words that are no request": (b"HSUP ADBASE ADTIGR\n", Beginning.UNKNOWN),
    "a greeting": (b"SSH-2.0-OpenSSH_9.2\r\n", Beginning.UNKNOWN),
    "PROXY protocol": (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", Beginning.UNKNOWN),
    "HTTP/2 that was not agreed on": (PREFACE, Beginning.UNKNOWN),
    "a method and then noise": (b"GET \x01\x02\x03", Beginning.UNKNOWN),
    "a word longer than any method": (b"A" * 33, Beginning.UNKNOWN),
    "a line without an end": (b"BREW " + b"a" * 5000, Beginning.UNKNOWN),
    "SOCKS 5": (b"\x05\x01\x00", Beginning.UNKNOWN),
    "a blank": (b" GET / HTTP/1.1\r\n", Beginning.UNKNOWN),
    "lower case, which no method is": (b"get / HTTP/1.1\r\n", Beginning.HTTP),
}


@pytest.mark.parametrize(("data", "expected"), CLEAR.values(), ids=CLEAR.keys())
def test_behind_connect(data, expected):
    assert beginning_of(data) is expected


def test_tls_inside_tls_is_unknown():
    assert beginning_of(b"\x16\x03\x01", inside_tls=True) is Beginning.UNKNOWN


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", Beginning.MORE),
        (PREFACE[:1], Beginning.HTTP),
        (PREFACE[:5], Beginning.HTTP),
        (b"PRI * HTTP/1", Beginning.UNKNOWN),
        (PREFACE, Beginning.HTTP),
        (PREFACE + b"x", Beginning.HTTP),
        (b"GET / HTTP/1.1\r\n", Beginning.UNKNOWN),
    ],
)
def test_where_http2_was_agreed_on_nothing_else_begins(data, expected):
    assert beginning_of(data, inside_tls=True, http2=True) is expected


@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_what_is_settled_stays_so_however_the_bytes_come(data, inside, http2):
    whole = beginning_of(data, inside_tls=inside, http2=http2)
    for size in range(len(data)):
        early = beginning_of(data[:size], inside_tls=inside, http2=http2)
        assert early is whole or early in (Beginning.MORE, Beginning.HTTP), size
        if early is not Beginning.MORE:
            return
