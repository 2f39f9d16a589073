"""When an HTTP/1.1 connection is not read any more: what it sent waits, wherever that is."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace

import pytest
from mitmproxy.connection import Client, Server
from mitmproxy.options import Options
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode, RequestData
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Server
from mitmproxy.proxy.layers.http._http2 import Http2Client, Http2Server

from proxy.replaced import flow

WINDOW = 1_048_576


class Exchange:
    """Stream 1 between a client and its origin, in the versions that are given."""

    def __init__(self, towards_client, towards_origin):
        client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), timestamp_start=0)
        context = Context(client, self.options())
        self.http = HttpLayer(context, HTTPMode.transparent)
        self.server = context.server = Server(address=("x.test", 443))
        self.client, self.down, self.up = client, towards_client(context.fork()), towards_origin(context.fork())
        self.http.connections = {client: self.down, self.server: self.up}
        self.stream = SimpleNamespace(
            stream_id=1, _paused=None, _paused_event_queue=deque(), context=SimpleNamespace(server=self.server)
        )
        self.http.streams = {1: self.stream}
        self.up.stream_id = 1
        self.up.our_stream_id = {1: 7}
        for side in (self.down, self.up):
            side.h2_conn = SimpleNamespace(queued={}, held={})

    @staticmethod
    def options():
        options = Options()
        options.add_option("validate_inbound_headers", bool, True, "")
        return options

    def full(self, read):
        return flow.full(self.http, read, WINDOW)


@pytest.mark.parametrize(
    ("queued", "full"),
    [
        ({}, False),
        ({1: WINDOW}, False),
        ({1: WINDOW + 1}, True),
        ({3: 9 * WINDOW}, False),
        ({1: 65_537, 3: 17 * WINDOW}, True),
        ({1: 65_536, 3: 17 * WINDOW}, False),
    ],
    ids=["nothing", "a window", "more", "another's", "much in all", "much in all, little of this one"],
)
def test_an_origin_is_read_while_the_client_takes_it(queued, full):
    exchange = Exchange(Http2Server, Http1Client)
    exchange.down.h2_conn.queued = queued
    assert exchange.full(exchange.server) is full


def test_an_origin_whose_answer_has_ended_is_read():
    exchange = Exchange(Http2Server, Http1Client)
    exchange.down.h2_conn.queued = {1: 9 * WINDOW}
    exchange.http.streams = {}
    assert not exchange.full(exchange.server)


def test_a_client_is_read_while_an_http2_origin_takes_it():
    """Under the number that the stream has over there, and before it has one."""
    exchange = Exchange(Http1Server, Http2Client)
    assert not exchange.full(exchange.client)
    exchange.up.h2_conn.queued = {7: WINDOW + 1}
    assert exchange.full(exchange.client)
    exchange.up.h2_conn.queued, exchange.up.our_stream_id = {}, {}
    exchange.up.stream_queue[1] = [RequestData(1, b"x" * WINDOW), RequestData(1, b"x")]
    assert exchange.full(exchange.client)


@pytest.mark.parametrize("piece", [b"x" * WINDOW, b"x"], ids=["large pieces", "many pieces"])
def test_a_client_is_not_read_while_its_request_waits_for_a_connection(piece):
    exchange = Exchange(Http1Server, Http1Client)
    exchange.stream._paused_event_queue.extend([RequestData(1, piece)])
    assert not exchange.full(exchange.client)
    exchange.stream._paused_event_queue.extend([RequestData(1, piece)] * 1000)
    assert exchange.full(exchange.client)
