"""The chunked coding: what is none is refused, however it is cut into segments."""

from __future__ import annotations

import itertools

import h11
import pytest
from h11._receivebuffer import ReceiveBuffer
from hypothesis import given
from hypothesis import strategies as st

from proxy.replaced.chunks import LINE_BYTES, TRAILER_BYTES, ChunkReader, MalformedChunk


def read(*segments):
    """The body, and what stays in the buffer; None for a body without an end."""
    reader, buffer, body = ChunkReader(), ReceiveBuffer(), b""
    for segment in segments:
        buffer += segment
        while (event := reader(buffer)) is not None:
            if isinstance(event, h11.EndOfMessage):
                assert event.headers == []
                return body, bytes(buffer)
            body += bytes(event.data)
    return None


GOOD = {
    "one chunk": (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    "several, in hexadecimal": (b"a\r\n0123456789\r\n0B\r\n0123456789a\r\n0\r\n\r\n", b"01234567890123456789a"),
    "nothing": (b"0\r\n\r\n", b""),
    "zeros before the size": (b"0005\r\nhello\r\n0000\r\n\r\n", b"hello"),
    "an extension": (b'5;name="value";b\r\nhello\r\n0;c\r\n\r\n', b"hello"),
    "blanks behind the size": (b"5 \t\r\nhello\r\n0\r\n\r\n", b"hello"),
    "trailers, which are dropped": (b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nA: b\r\n\r\n", b"hello"),
    "CRLF in the data": (b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
}

BAD = {
    "no size": b"\r\nhello",
    "a size that is no number": b"five\r\nhello",
    "a sign": b"+5\r\nhello",
    "0x": b"0x5\r\nhello",
    "an underscore": b"1_0\r\nhello",
    "17 digits": b"00000000000000005\r\nhello",
    "a blank before the size": b" 5\r\nhello",
    "a chunk without its CRLF": b"5\r\nhello0\r\n\r\n",
    "a longer chunk than its size": b"4\r\nhello\r\n0\r\n\r\n",
    "a bare line feed behind a chunk": b"5\r\nhello\n0\r\n\r\n",
    "a bare line feed behind the size": b"5\nhello\r\n0\r\n\r\n",
    "a bare line feed in an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "a bare carriage return in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "a NUL in an extension": b"5;a\0b\r\nhello\r\n0\r\n\r\n",
    "an overlong extension": b"5;" + b"x" * LINE_BYTES + b"\r\nhello\r\n0\r\n\r\n",
    "an endless extension": b"5;" + b"x" * LINE_BYTES,
    "a trailer that is no field": b"0\r\nGET /bad HTTP/1.1\r\n\r\n",
    "a trailer folded over two lines": b"0\r\nX: 1\r\n 2\r\n\r\n",
    "a trailer behind a bare line feed": b"0\r\nX: 1\nY: 2\r\n\r\n",
    "too many trailers": b"0\r\n" + b"X: 12345678901\r\n" * (TRAILER_BYTES // 16 + 1) + b"\r\n",
    "an endless trailer": b"0\r\nX: " + b"x" * TRAILER_BYTES,
}


@pytest.mark.parametrize(("sent", "body"), GOOD.values(), ids=GOOD.keys())
def test_a_body(sent, body):
    assert read(sent + b"GET /") == (body, b"GET /")
    assert read(*(bytes([byte]) for byte in sent)) == (body, b"")


@pytest.mark.parametrize("sent", BAD.values(), ids=BAD.keys())
def test_what_is_no_body(sent):
    with pytest.raises(MalformedChunk):
        read(sent)
    with pytest.raises(MalformedChunk):
        read(*(bytes([byte]) for byte in sent))


def test_an_end_in_the_middle():
    with pytest.raises(MalformedChunk):
        ChunkReader().read_eof()


def cut(data, at):
    marks = [0, *sorted(mark % (len(data) + 1) for mark in at), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(marks)]


@given(st.lists(st.binary(min_size=1, max_size=30)), st.lists(st.integers(0, 500), max_size=5), st.booleans())
def test_any_body_however_it_is_cut(chunks, at, trailer):
    sent = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    sent += b"0\r\nA: b\r\n\r\n" if trailer else b"0\r\n\r\n"
    assert read(*cut(sent, at)) == (b"".join(chunks), b"")


@given(st.lists(st.sampled_from([b"5", b"\r\n", b"\n", b"hello", b"0", b";", b"x: y", b" ", b"\0"])).map(b"".join))
def test_where_it_reads_a_body_a_lenient_reader_reads_the_same(sent):
    try:
        strict = read(sent)
    except MalformedChunk:
        return
    if strict is None:
        return
    buffer, reader, body = ReceiveBuffer(), h11._readers.ChunkedReader(), b""
    buffer += sent
    while not isinstance(event := reader(buffer), h11.EndOfMessage):
        body += bytes(event.data)
    assert strict == (body, bytes(buffer))
