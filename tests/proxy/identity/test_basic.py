"""Proxy-Authorization as strangers send it."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.identity.basic import FIELD_CAP, Credentials, parse_basic


def basic(text: str | bytes) -> bytes:
    return b"Basic " + b64encode(text.encode() if isinstance(text, str) else text)


ACCEPTED = [
    ("the example of RFC 7617", b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", ("Aladdin", "open sesame")),
    ("the UTF-8 example of RFC 7617, 2.1", b"Basic dGVzdDoxMjPCow==", ("test", "123£")),
    ("the scheme in any case", b"bAsIc dGVzdDoxMjPCow==", ("test", "123£")),
    ("space around the field", b"\t Basic dGVzdDoxMjPCow== ", ("test", "123£")),
    ("more than one space after the scheme", b"Basic   dGVzdDoxMjPCow==", ("test", "123£")),
    ("a colon belongs to the password", basic("ann:a:b:"), ("ann", "a:b:")),
    ("an empty password is well-formed, and wrong", basic("ann:"), ("ann", "")),
]


@pytest.mark.parametrize(("what", "value", "expected"), ACCEPTED, ids=[row[0] for row in ACCEPTED])
def test_accepted(what, value, expected):
    assert parse_basic(value) == Credentials(*expected)


REFUSED = [
    ("nothing", b""),
    ("only the scheme", b"Basic"),
    ("the scheme and a space", b"Basic "),
    ("another scheme", b"Bearer dGVzdDoxMjPCow=="),
    ("another scheme that begins alike", b"Basically dGVzdDoxMjPCow=="),
    ("no space after the scheme", b"BasicdGVzdDoxMjPCow=="),
    ("no padding", b"Basic dGVzdDoxMjPCow"),
    ("half the padding", b"Basic dGVzdDoxMjPCow="),
    ("too much padding", b"Basic dGVzdDoxMjPCow==="),
    ("padding first", b"Basic ==dGVzdDoxMjPCow"),
    ("text behind the padding", b"Basic dGVzdDoxMjPCow==dGVz"),
    ("stray bits in the last sign: a second spelling", b"Basic dGVzdDoxMjPCox=="),
    ("the URL alphabet", b"Basic Pz8_Pz8-OmE="),
    ("white space inside", b"Basic dGVz dDoxMjPCow=="),
    ("a line break inside", b"Basic dGVz\r\n dDoxMjPCow=="),
    ("a NUL inside", b"Basic dGVz\0dDoxMjPCow=="),
    ("two fields joined by a comma", b"Basic dGVzdDoxMjPCow==, Basic YW5uOmE="),
    ("parameters behind the token", b"Basic dGVzdDoxMjPCow==; realm=x"),
    ("no colon", basic("ann")),
    ("no name", basic(":secret")),
    ("Latin-1 instead of UTF-8", basic(b"test:123\xa3")),
    ("an overlong UTF-8 form", basic(b"a\xc0\xbann:x")),
    ("a surrogate in UTF-8", basic(b"ann:\xed\xa0\x80")),
    ("a NUL in the name", basic("an\0n:secret")),
    ("a NUL in the password", basic("ann:sec\0ret")),
    ("a line break in the name", basic("ann\r\nX: y:secret")),
    ("a C1 control sign", basic("ann:se\u0085cret")),
    ("longer than the cap", basic("ann:" + "a" * FIELD_CAP)),
]


@pytest.mark.parametrize(("what", "value"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(what, value):
    assert parse_basic(value) is None


@given(st.binary(max_size=2 * FIELD_CAP))
def test_any_bytes_are_read_or_refused_and_never_raise(value):
    parse_basic(value)
    parse_basic(b"Basic " + value)
    parse_basic(basic(value))


_TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=64)


@given(_TEXT.filter(lambda name: name and ":" not in name), _TEXT)
def test_what_is_sent_is_what_is_read(name, password):
    assert parse_basic(basic(f"{name}:{password}")) == Credentials(name, password)


def test_the_password_is_in_no_repr():
    assert "open sesame" not in repr(parse_basic(basic("ann:open sesame")))
