from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.head import Head, MalformedHead, parse_head

REFUSED = {
    "an empty head": b"",
    "a request line without a version": b"GET /",
    "HTTP/0.9": b"GET / HTTP/0.9",
    "HTTP/2 in the clear": b"PRI * HTTP/2.0",
    "a PROXY header, which nobody may send here": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2",
    "two spaces in the request line": b"GET  / HTTP/1.1",
    "a tab for a space": b"GET\t/ HTTP/1.1",
    "a NUL in the target": b"GET /\0 HTTP/1.1",
    "a method with a sign that is no token": b"GE(T / HTTP/1.1",
    "a method of 33 characters": b"A" * 33 + b" / HTTP/1.1",
    "a bare line feed between headers": b"GET / HTTP/1.1\r\nHost: a\nX: b",
    "a NUL in a value": b"GET / HTTP/1.1\r\nHost: a\0b",
    "white space before the colon": b"GET / HTTP/1.1\r\nHost : a",
    "a folded line": b"GET / HTTP/1.1\r\nHost: a\r\n b",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost",
    "a header without a name": b"GET / HTTP/1.1\r\n: a",
    "two Host fields": b"GET / HTTP/1.1\r\nHost: a.test\r\nhost: b.test",
    "TLS instead of HTTP": b"\x16\x03\x01\x02\x00\x01\x00",
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_head_is_refused(raw):
    with pytest.raises(MalformedHead) as refusal:
        parse_head(raw)
    assert "\n" not in str(refusal.value)


def test_a_head_is_read_with_names_in_lower_case_and_values_trimmed():
    raw = (
        b"CONNECT example.test:443 HTTP/1.1\r\nHost:  example.test:443 \r\nProxy-Authorization: Basic eA==\r\nX-Empty:"
    )
    head = parse_head(raw)
    assert (head.method, head.target) == ("CONNECT", "example.test:443")
    assert head.value(b"host") == b"example.test:443"
    assert head.value(b"x-empty") == b""
    assert head.value(b"absent") is None
    assert not head.has_body


@pytest.mark.parametrize("field", [b"Content-Length: 0", b"Transfer-Encoding: chunked"])
def test_a_body_is_announced_by_either_field(field):
    assert parse_head(b"CONNECT a.test:443 HTTP/1.1\r\n" + field).has_body


@given(st.binary(max_size=400))
def test_any_bytes_give_a_head_or_a_refusal(raw):
    try:
        head = parse_head(raw)
    except MalformedHead:
        return
    assert isinstance(head, Head)
    assert not any(b"\0" in value or b"\n" in value or b"\r" in value for _, value in head.fields)
