"""What is read of a head is what stock reads of it, and what stock refuses is refused."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mitmproxy.connection import Server
from mitmproxy.flow import Flow
from mitmproxy.http import Headers, HTTPFlow, Request, Response
from mitmproxy.net.http.http1 import read
from mitmproxy.net.http.validate import validate_headers
from mitmproxy.test.tflow import tclient_conn, tserver_conn

from proxy.replaced import reading

READ_LINE, SIZE, VALIDATE = read._read_request_line, read.expected_http_body_size, validate_headers

TARGETS = st.one_of(
    st.sampled_from(
        [
            b"/", b"*", b"/a?b#c", b"http://a.example/", b"http://a.example", b"HTTP://a.example/",
            b"https://a.example:1/x",
            b"http://a.example:0/", b"http://a.example:65536/", b"http://a.example:99999999999999/", b"http://[::1]:80/",
            b"http://[::1/", b"http://u@a.example/", b"http://a.example?b", b"http://a.example#b",
            b"http:///", b"http://:80/",
            b"ftp://a.example/", b"ftp://a.example:21/", b"http://\xc3\xbc.example/", b"http://xn--bcher-kva.example/x",
            b"http://a..b/", b"http://a_b.example/", b"http://a.example/\xff",
            b"http://a.example/\xc3\xbc", b"a.example:443",
            b"http://" + b"a" * 64 + b"/", b"http://" + b"a." * 200 + b"/",
            b"http://a.example/[", b"http://a.example/http://b",
            b"http://a.example/;p?q", b"http://1.2.3.4/", b"http://xn--/", b"http://a.example:/", b"http://a\x00b/",
        ]
    ),
    st.binary(max_size=12).map(lambda tail: b"http://a.example/" + tail),
    st.binary(max_size=12).map(lambda name: b"http://" + name + b"/x"),
    st.text("ab.:[]@/?#-_%1", max_size=12).map(lambda name: b"http://" + name.encode() + b"/x"),
)  # fmt: skip
METHODS = st.sampled_from([b"GET", b"CONNECT", b"OPTIONS", b"head"])
VERSIONS = st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.1x", b"http/1.1", b"HTTP/1.1\n"])

NAMES = st.sampled_from(
    [
        b"Content-Length",
        b"content-length",
        b"Transfer-Encoding",
        b"transfer-encoding",
        b"x",
        b"",
        b"a b",
        b"a\nb",
        b"\xff",
    ]
)
VALUES = st.sampled_from(
    [b"0", b"5", b"05", b"-5", b"5\n", b" 5", b"", b"5, 5", b"9" * 30, b"9" * 5000, b"chunked", b"gzip",
     b"gzip, chunked", b"identity", b"x", b"\xb2"]
)  # fmt: skip
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=4)


def came_of(function, *arguments):
    """What a function gives, or that it refuses."""
    try:
        return function(*arguments)
    except ValueError:
        return ValueError


def request(method, fields, version=b"HTTP/1.1"):
    return Request("a", 80, method, b"http", b"", b"/", version, Headers(fields), None, None, 0, None)


def response(code, fields, version=b"HTTP/1.1"):
    return Response(version, code, b"", Headers(fields), None, None, 0, None)


@given(METHODS, TARGETS, VERSIONS)
@example(b"GET", b"http://a.example/" + b"x" * 70_000, b"HTTP/1.1")
def test_a_request_line_is_read_as_stock_reads_it(method, target, version):
    line = b" ".join((method, target, version))
    assert came_of(reading._read_request_line, line) == came_of(READ_LINE, line)


@given(VERSIONS)
def test_a_version_is_known_where_stock_knows_it(version):
    assert came_of(reading._raise_if_unknown, version) == came_of(read.raise_if_http_version_unknown, version)


@given(METHODS, FIELDS, st.none() | st.sampled_from([101, 200, 204, 304, 404, 999]), FIELDS)
def test_a_body_has_the_length_that_stock_expects(method, fields, code, others):
    answer = None if code is None else response(code, others)
    asked = request(method, fields)
    assert came_of(reading.expected_size, asked, answer) == came_of(SIZE, asked, answer)


@given(FIELDS, st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0"]), st.sampled_from([None, 101, 200, 204]))
@example([(b"Content-Length", b"9" * 5000)], b"HTTP/1.1", None)
def test_fields_are_refused_where_stock_refuses_them(fields, version, code):
    message = request(b"GET", fields, version) if code is None else response(code, fields, version)
    assert came_of(reading.validate, message) == came_of(VALIDATE, message)


def test_a_flow_has_what_stocks_has():
    client, server = tclient_conn(), tserver_conn()
    made, stocks = object.__new__(HTTPFlow), object.__new__(HTTPFlow)
    reading._flow(made, client, server, True)
    Flow.__init__(stocks, client, server, True)
    different = {name for name, value in vars(stocks).items() if vars(made)[name] != value}
    assert vars(made).keys() == vars(stocks).keys()
    assert different <= {"id", "timestamp_created"}
    assert len({len(flow.id.replace("-", "")) for flow in (made, stocks)}) == 1


def test_two_connections_are_never_the_same():
    one, other = Server(address=("a", 1)), Server(address=("a", 1))
    new = {part.name: part.new for part in reading.parts()}
    assert new["__eq__"](one, one) is True
    assert new["__eq__"](one, other) is not True
    assert new["__hash__"](one) != new["__hash__"](other)


@pytest.mark.parametrize("part", reading.parts(), ids=lambda part: part.name)
def test_all_of_it_only_saves_time(part):
    assert part.lever == "reading"
