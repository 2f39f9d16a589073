from __future__ import annotations

import pytest
from mitmproxy import options
from mitmproxy.connection import Client, ConnectionState
from mitmproxy.proxy import commands, events, layers
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import modes
from mitmproxy.proxy.layers.http import HTTPMode
from mitmproxy.proxy.mode_specs import ProxyMode

from proxy.next_layer import Closed, next_layer

HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


def context(tunnel=True, tls=False, alpn=None):
    client = Client(
        peername=("127.0.0.1", 1),
        sockname=("127.0.0.1", 2),
        timestamp_start=0,
        state=ConnectionState.OPEN,
        proxy_mode=ProxyMode.parse("regular"),
    )
    if tls:
        client.timestamp_tls_setup = 1.0
        client.alpn = alpn
    made = Context(client, options.Options())
    made.layers.append((modes.TransparentProxy if tunnel else modes.HttpProxy)(made))
    return made


TUNNEL = {
    "nothing yet: wait": (b"", b"", None),
    "one byte of TLS: wait": (HELLO[:1], b"", None),
    "two bytes of TLS: wait": (HELLO[:2], b"", None),
    "two letters of a request: wait": (b"GE", b"", None),
    "a ClientHello is TLS": (HELLO, b"", layers.ServerTLSLayer),
    "a request line is HTTP": (b"GET / HTTP/1.1\r\n", b"", layers.HttpLayer),
    "a server that greets first is closed": (b"", b"SSH-2.0-OpenSSH", Closed),
    "a server that greets before the request is closed": (b"GET / HTTP/1.1\r\n", b"220 mail", Closed),
    "random bytes are closed": (b"\x80\x0e\x38\x01\x02\x03", b"", Closed),
    "BitTorrent's handshake is closed": (b"\x13BitTorrent protocol", b"", Closed),
    "a line without an end that no request begins with is closed": (b"$MyNick made.up|", b"", Closed),
    "a protocol of letters that is known before its line ends is closed": (b"SSH-2.0-OpenSSH", b"", Closed),
    "SOCKS 5 is closed": (b"\x05\x01\x00", b"", Closed),
    "another record type of TLS is closed": (b"\x17\x03\x03\x00", b"", Closed),
}


@pytest.mark.parametrize(("client", "server", "expected"), TUNNEL.values(), ids=TUNNEL.keys())
def test_a_tunnel_holds_tls_or_http_and_nothing_else(client, server, expected):
    chosen = next_layer(context(), client, server)
    assert (type(chosen) if chosen else None) is expected


INSIDE = {
    "a request line": (b"GET / HTTP/1.1\r\n", b"http/1.1", layers.HttpLayer),
    "HTTP/2 where it was agreed on": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"h2", layers.HttpLayer),
    "HTTP/1.1 where HTTP/2 was agreed on": (b"GET / HTTP/1.1\r\n", b"h2", Closed),
    "noise": (b"\x80\x01\x02\x03", None, Closed),
    "TLS again": (HELLO, None, Closed),
    "too little": (b"GE", None, None),
    "too little to name what it is refused by": (b"SSH-2", None, None),
}


@pytest.mark.parametrize(("data", "alpn", "expected"), INSIDE.values(), ids=INSIDE.keys())
def test_inside_tls_is_http_and_nothing_else(data, alpn, expected):
    chosen = next_layer(context(tls=True, alpn=alpn), data, b"")
    assert (type(chosen) if chosen else None) is expected
    assert expected is not layers.HttpLayer or chosen.mode is HTTPMode.transparent


def test_what_the_front_hands_over_without_a_tunnel_is_a_proxy_request():
    chosen = next_layer(context(tunnel=False), b"", b"")
    assert isinstance(chosen, layers.HttpLayer)
    assert chosen.mode is HTTPMode.regular


def test_closed_closes_at_the_first_event():
    made = context()
    sent = list(Closed(made).handle_event(events.Start()))
    assert any(isinstance(command, commands.CloseConnection) for command in sent)
