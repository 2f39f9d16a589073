"""Names in ClientHellos: those of real ones, and none of what is none."""

from __future__ import annotations

import contextlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.proxy.layers.tls import parse_client_hello

from proxy.client_hello import HELLO_CAP, MalformedHello, hello_of, is_whole


def real(name, alpn=("h2", "http/1.1")):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(list(alpn))
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


def vector(data, width=2):
    return len(data).to_bytes(width) + data


def extension(kind, body):
    return kind.to_bytes(2) + vector(body)


def names(*each):
    return extension(0, vector(b"".join(kind.to_bytes(1) + vector(name) for kind, name in each)))


def hello(extensions=b"", *, tail=b"", kind=1, cut=None):
    body = b"\x03\x03" + bytes(32) + vector(b"", 1) + vector(b"\x13\x01") + vector(b"\0", 1) + extensions + tail
    message = kind.to_bytes(1) + vector(body, 3)
    pieces = [message] if cut is None else [message[:cut], message[cut:]]
    return b"".join(b"\x16\x03\x01" + vector(piece) for piece in pieces)


GOOD = {
    "a browser's": (real("bank.test"), "bank.test"),
    "one that asks for no name": (real(None), None),
    "one without extensions": (hello(), None),
    "one with no extension": (hello(vector(b"")), None),
    "a name and another extension": (hello(vector(extension(9, b"x") + names((0, b"a.test")))), "a.test"),
    "in two records": (hello(vector(names((0, b"a.test"))), cut=50), "a.test"),
    "in two records, the first of three bytes": (hello(vector(names((0, b"a.test"))), cut=3), "a.test"),
    "with bytes behind it": (hello(vector(names((0, b"a.test")))) + b"\x14\x03\x03\0\1\1", "a.test"),
}

BAD = {
    "nothing": b"",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "half of one": real("bank.test")[:100],
    "a ServerHello": hello(kind=2),
    "bytes behind the extensions": hello(vector(b""), tail=b"x"),
    "an extension that is longer than its place": hello(vector(b"\0\0\xff\xff")),
    "an extension cut short": hello(vector(b"\0")),
    "the same extension twice": hello(vector(names((0, b"a.test")) + names((0, b"b.test")))),
    "two names": hello(vector(names((0, b"a.test"), (0, b"b.test")))),
    "a name of another kind": hello(vector(names((1, b"a.test")))),
    "an empty name": hello(vector(names((0, b"")))),
    "no name in the list": hello(vector(extension(0, vector(b"")))),
    "an empty server_name": hello(vector(extension(0, b""))),
    "bytes behind the list of names": hello(vector(extension(0, vector(b"\0" + vector(b"a.test")) + b"x"))),
    "protocols longer than their place": hello(vector(extension(16, vector(b"\x09h2")))),
    "an empty protocol": hello(vector(extension(16, vector(b"\0")))),
    "bytes behind the protocols": hello(vector(extension(16, vector(b"\2h2") + b"x"))),
    "a name that is not ASCII": hello(vector(names((0, "bücher.test".encode())))),
}


@pytest.mark.parametrize(("data", "name"), GOOD.values(), ids=GOOD.keys())
def test_a_hello_names_its_host(data, name):
    assert hello_of(data).name == name


def test_a_hello_says_which_protocols_it_offers():
    assert hello_of(hello(vector(extension(16, vector(b"\2h2\x03dot"))))).alpn == (b"h2", b"dot")
    assert hello_of(hello(vector(b""))).alpn == ()


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_what_is_no_hello_is_refused(data):
    with pytest.raises(MalformedHello):
        hello_of(data)


HELLO = real("bank.test")


@given(st.lists(st.tuples(st.integers(0, len(HELLO) - 1), st.integers(0, 255)), max_size=4), st.integers(0, 20))
def test_a_name_is_never_another_than_the_general_parser_reads(changes, cut):
    data = bytearray(HELLO)
    for at, value in changes:
        data[at] = value
    data = bytes(data[: len(data) - cut])
    try:
        found, general = hello_of(data), parse_client_hello(data)
    except ValueError:  # what stands in other extensions is the origin's to refuse
        return
    assert general is not None
    assert general.sni in (found.name, None)
    assert found.alpn in ((), tuple(general.alpn_protocols))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_hello_or_refused(data):
    for bytes_ in (data, b"\x16\x03\x01" + data, b"\x16\x03\x01" + vector(b"\1" + vector(data, 3))):
        try:
            hello_of(bytes_)
        except MalformedHello:
            continue


def in_records(hello, size):
    body = hello[5:]
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2) + piece for piece in pieces)


@pytest.mark.parametrize("size", [16_000, 400, 100], ids=["one record", "two records", "several"])
def test_a_hellois_whole_exactly_when_a_parser_has_all_of_it(size):
    sent = in_records(HELLO, size)
    for length in range(len(sent) + 1):
        assert is_whole(sent[:length]) is (parse_client_hello(sent[:length]) is not None)


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n", b"\x17\x03\x03\x00\x10", b"\x16\x02\x00\x00\x10", b"\x16\x03\x01\x00\x00" * 3, b"S",
     b"\x16\x03\x01\x00\x02\x01\x00" * 4],
    ids=["HTTP", "another record", "SSL 2", "empty records", "one byte of SSH", "a header in two records"],
)  # fmt: skip
def test_what_never_becomes_one_is_refused(data):
    with pytest.raises(MalformedHello):
        is_whole(data)


def test_a_hello_in_single_bytes_of_records_is_refused_after_sixteen():
    sent = b"\x16\x03\x01\x00\x04" + HELLO[5:9] + in_records(b"     " + HELLO[9:], 1)
    with pytest.raises(MalformedHello, match="too many records"):
        is_whole(sent)
    assert not any(is_whole(sent[:length]) for length in range(9 + 14 * 6))


@given(st.binary(max_size=300))
def test_any_bytes_are_judged_without_another_error(data):
    with contextlib.suppress(MalformedHello):
        assert is_whole(data) in (True, False)


def test_a_hello_that_has_no_end_in_sight_is_refused():
    sent = b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + b"x" * (2**14 - 4) + b"\x16\x03\x01\x40\x00" + b"x" * 2**14
    assert not is_whole(sent[:HELLO_CAP])
    with pytest.raises(MalformedHello, match="too large"):
        is_whole(sent + b"\x16\x03\x01\x40\x00")


def test_what_follows_a_whole_hello_is_no_part_of_it():
    assert is_whole(HELLO + bytes(2 * HELLO_CAP))
