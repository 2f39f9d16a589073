"""What is said to a proxy, well-formed: the fuzz changes it."""

from __future__ import annotations

import ssl

import h2.config
import h2.connection

CHUNKED = "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n"


def heads(host: str, port: int, credentials: str) -> list[bytes]:
    """Give requests as a client of a proxy sends them, of every kind and framing, to one host."""
    authority = f"{host}:{port}"
    return [
        f"{line}\r\nHost: {authority}\r\n{credentials}{more}".encode()
        for line, more in (
            (f"GET http://{authority}/page?q=1 HTTP/1.1", "Accept: text/html\r\nCookie: a=b\r\n\r\n"),
            (f"POST http://{authority}/form HTTP/1.1", "Content-Length: 11\r\n\r\nhello=world"),
            (f"POST http://{authority}/form HTTP/1.1", CHUNKED),
            (f"PUT http://{authority}/up HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"),
            (f"HEAD http://{authority}/ HTTP/1.0", "\r\n"),
            (f"OPTIONS http://{authority} HTTP/1.1", "\r\n"),
            (f"CONNECT {authority} HTTP/1.1", "\r\n"),
            ("GET /notice HTTP/1.1", "\r\n"),
            (f"GET http://{authority}/a HTTP/1.1", f"\r\nGET /b HTTP/1.1\r\nHost: {authority}\r\n\r\n"),
            (f"GET http://{authority}/echo-socket HTTP/1.1", "Upgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n\x81\x05hello"),
        )
    ]  # fmt: skip


def inner_heads(host: str, port: int) -> list[bytes]:
    """Give the same as it is sent inside a tunnel, in the origin form."""
    return [head.replace(f"http://{host}:{port}".encode(), b"", 1) for head in heads(host, port, "")]


def handshake(host: str, port: int, credentials: str) -> bytes:
    """Give the request that opens a WebSocket."""
    return (
        f"GET http://{host}:{port}/echo-socket HTTP/1.1\r\nHost: {host}:{port}\r\n{credentials}Upgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ).encode()


def message(data: bytes) -> bytes:
    """Give one binary message, masked with zeros (RFC 6455, section 5.2), and a close behind it."""
    length = len(data)
    if length < 126:
        size = bytes([0x80 | length])
    else:
        size = b"\xfe" + length.to_bytes(2) if length <= 0xFFFF else b"\xff" + length.to_bytes(8)
    return b"\x82" + size + bytes(4) + data + b"\x88\x80" + bytes(4)


def frames(authority: str) -> list[bytes]:
    """Give the beginnings of HTTP/2 connections: a page, an upload, a reset, pings and windows."""
    return [_frames(authority, kind) for kind in ("get", "post", "reset", "control")]


def _frames(authority: str, kind: str) -> bytes:
    http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    http.initiate_connection()
    head = [(":method", "POST" if kind == "post" else "GET"), (":scheme", "https"), (":authority", authority)]
    http.send_headers(1, [*head, (":path", "/page")], end_stream=kind != "post")
    if kind == "post":
        http.send_data(1, b"hello" * 100)
        http.send_data(1, b"", end_stream=True)
    elif kind == "reset":
        http.reset_stream(1)
        http.send_headers(3, [*head, (":path", "/again")], end_stream=True)
    elif kind == "control":
        http.ping(b"12345678")
        http.increment_flow_control_window(1000)
        http.update_settings({0x4: 1})
    return http.data_to_send()


def hellos(name: str) -> list[bytes]:
    """Give ClientHellos for a name: as HTTP/2 clients, HTTP/1.1 clients and old ones send them."""
    return [_hello(name, alpn, newest) for alpn in (["h2", "http/1.1"], ["http/1.1"]) for newest in (True, False)]


def _hello(name: str, alpn: list[str], newest: bool) -> bytes:
    context = ssl.create_default_context()
    context.set_alpn_protocols(alpn)
    if not newest:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake without an answer")


def answers() -> list[bytes]:
    """Give answers as origins send them over HTTP/1.1."""
    return [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\nuntil the end",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x05hello",
        b"HTTP/1.1 302 Found\r\nLocation: http://other.test/\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n",
    ]
