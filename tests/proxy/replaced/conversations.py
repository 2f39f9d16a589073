"""Runs a table of conversations through the real handler, addon and answers, and prints what came of each as JSON.

    python -m tests.proxy.replaced.conversations FOLDER [LEVER,LEVER...]

The levers named are left as mitmproxy has them. A process of its own, since parts are replaced for good.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import h2.config
import h2.connection
import h2.events
import wsproto.frame_protocol

import usage_log.record
from config.proxy_settings import Limits
from proxy import engine
from proxy.addon import Addon
from proxy.answers import WorkerAnswers
from proxy.authority import open_or_create
from proxy.leaf_certificates import LeafCertificates
from proxy.master import Engine, Times
from proxy.recording import Recorder
from proxy.tls_config import BreakwaterTlsConfig
from tests.e2e.certificates import Authority, server_context
from tests.proxy.flows import PUBLIC, tunnel
from tests.proxy.workers import node

#: Turns of the event loop, and seconds for each, in which nothing came: then nothing will. Client, filter and origin
#: share the loop, so that a busy machine makes the turns longer and not fewer.
QUIET_TURNS, TURN = 60, 0.005

#: All conversations begin at once, so on a busy machine the last handshakes come late.
PATIENT = Limits(head_bytes=2048, head_seconds=120, hello_seconds=60, connect_seconds=120)

REQUEST = re.compile(rb"(GET|HEAD|POST|PUT) (\S+) HTTP/1\.[01]\r\n")

SIGNED = b"Host: site.test\r\nProxy-Authorization: Basic ana\r\n"


def ask(path: str, method: str = "GET", fields: bytes = b"", body: bytes = b"", host: str = "site.test") -> bytes:
    return f"{method} http://{host}{path} HTTP/1.1\r\n".encode() + SIGNED + fields + b"\r\n" + body


def inner(path: str, method: str = "GET", fields: bytes = b"", body: bytes = b"") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: site.test\r\n".encode() + fields + b"\r\n" + body


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


LONG = bytes(range(256)) * 1024
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
SOCKET = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)

#: What the origin answers on a path, in pieces; None closes its connection.
ANSWERS = {
    "/": (OK + b"Content-Length: 5\r\n\r\nhello",),
    "/slow": (OK, b"Content-Le", b"ngth: 10\r\n\r", b"\nhello", b"hello"),
    "/long": (OK + b"Content-Length: %d\r\n\r\n" % len(LONG) + LONG,),
    "/chunked": (OK + b"Transfer-Encoding: chunked\r\n\r\n", chunked(b"hello", b"world")),
    "/until-end": (OK + b"\r\nhello", None),
    "/nothing": (b"HTTP/1.1 204 No Content\r\n\r\n",),
    "/moved": (b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",),
    "/closes": (OK + b"Content-Length: 5\r\nConnection: close\r\n\r\nhello", None),
    "/breaks": (OK + b"Content-Length: 50\r\n\r\nhello", None),
    "/leaves": (None,),
    "/garbage": (b"SSH-2.0-OpenSSH\r\n\r\n",),
    "/cookies": (OK + b"Set-Cookie: a=1\r\nset-cookie: b=2\r\nAlt-Svc: h3\r\nContent-Length: 0\r\n\r\n",),
    "/socket": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05hello",
    ),
}

#: Each is what a client sends, with a pause where the origin or the filter must have answered first.
PLAIN = {
    "one request": [ask("/")],
    "three on one connection": [ask("/"), ask("/moved"), ask("/cookies")],
    "three at once": [ask("/") + ask("/moved") + ask("/nothing")],
    "a request in pieces": [ask("/")[:7], ask("/")[7:40], ask("/")[40:]],
    "an answer in pieces": [ask("/slow"), ask("/")],
    "two hooks that wait": [ask("/slow") + ask("/slow")],
    "a long answer": [ask("/long"), ask("/")],
    "a chunked answer": [ask("/chunked"), ask("/")],
    "an answer that ends with its connection": [ask("/until-end")],
    "HEAD": [ask("/", "HEAD"), ask("/")],
    "an upload": [ask("/", "POST", b"Content-Length: 5\r\n", b"hello"), ask("/")],
    "a long upload": [ask("/", "POST", b"Content-Length: %d\r\n" % len(LONG), LONG)],
    "a chunked upload": [ask("/", "POST", b"Transfer-Encoding: chunked\r\n", chunked(b"hello"))],
    "an upload that waits": [ask("/", "PUT", b"Content-Length: 5\r\nExpect: 100-continue\r\n"), b"hello"],
    "an upload that breaks off": [ask("/", "POST", b"Content-Length: 50\r\n", b"hello"), None],
    "an origin that closes": [ask("/closes"), ask("/")],
    "an origin that breaks off": [ask("/breaks")],
    "an origin that leaves": [ask("/leaves")],
    "an origin that speaks no HTTP": [ask("/garbage")],
    "a blocked host": [ask("/", host="adult.test"), ask("/")],
    "a blocked upload": [ask("/", "POST", b"Content-Length: 5\r\n", b"hello", host="adult.test")],
    "nobody's request": [b"GET http://site.test/ HTTP/1.1\r\nHost: site.test\r\n\r\n", ask("/")],
    "a name that does not resolve": [ask("/", host="nowhere.test")],
    "CONNECT inside": [ask("/"), b"CONNECT site.test:443 HTTP/1.1\r\nHost: site.test:443\r\n\r\n"],
    "a head that is none": [b"GET\r\n\r\n"],
    "a head that is too large": [ask("/", fields=b"X: " + b"x" * 4000 + b"\r\n")],
    "an old client": [ask("/").replace(b"HTTP/1.1", b"HTTP/1.0")],
    "a WebSocket": [ask("/socket", fields=SOCKET), b"\x81\x85abcd\t\x07\x0f\x08\x0e", b"\x88\x80abcd"],
    "a client that only ends": [None],
}

INTERCEPTED = {
    "one request": [inner("/")],
    "three on one connection": [inner("/"), inner("/chunked"), inner("/long")],
    "three at once": [inner("/") + inner("/moved") + inner("/nothing")],
    "an upload": [inner("/", "POST", b"Content-Length: 5\r\n", b"hello"), inner("/")],
    "a hook that waits": [inner("/slow"), inner("/")],
    "a blocked path": [inner("/path/x"), inner("/")],
    "another host": [b"GET / HTTP/1.1\r\nHost: other.test\r\n\r\n"],
    "a WebSocket": [inner("/socket", fields=SOCKET), b"\x81\x85abcd\t\x07\x0f\x08\x0e", b"\x88\x80abcd"],
    "an origin that breaks off": [inner("/breaks")],
}

#: Streams of one HTTP/2 connection, one after the other; each is method, path and body.
HTTP2 = {
    "one request": [("GET", "/", b"")],
    "several": [("GET", "/", b""), ("POST", "/moved", b"hello"), ("GET", "/long", b""), ("HEAD", "/", b"")],
    "a hook that waits": [("GET", "/slow", b""), ("GET", "/", b"")],
    "a blocked path": [("GET", "/path/x", b""), ("GET", "/", b"")],
    "a blocked upload": [("POST", "/path/x", LONG[:40_000])],
}


@dataclass
class Conversation:
    """What came of one, with as many random numbers as it has asked for."""

    origins: list = field(default_factory=list)
    hooks: list = field(default_factory=list)
    records: list = field(default_factory=list)
    asked: int = 0
    ports: dict = field(default_factory=dict)

    def random(self, size: int) -> bytes:
        self.asked += 1
        return self.asked.to_bytes(size)


#: The conversation that the running task belongs to.
CURRENT: ContextVar[Conversation] = ContextVar("current")


class Origin(asyncio.Protocol):
    """Answers by ANSWERS; keeps what it was sent, without TLS and without HTTP/2's framing."""

    def __init__(self, conversation: Conversation) -> None:
        self.got = bytearray()
        conversation.origins.append(self.got)
        self.unread = b""

    def connection_made(self, transport):
        self.transport = transport
        self.http2 = None
        tls = transport.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() == "h2":
            self.http2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
            self.http2.initiate_connection()
            self.transport.write(self.http2.data_to_send())

    def data_received(self, data):
        if self.http2 is not None:
            self.answer_streams(data)
            return
        self.got += data
        *heads, self.unread = (self.unread + data).split(b"\r\n\r\n")
        for head in heads:
            if (asked := REQUEST.search(head + b"\r\n")) is not None:
                asyncio.get_running_loop().create_task(self.answer(asked[2].decode(), asked[1] == b"HEAD"))

    async def answer(self, path, headless):
        for piece in ANSWERS[path]:
            if piece is None:
                self.transport.close()
                return
            self.transport.write(piece.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if headless else piece)
            await asyncio.sleep(0.01)

    def answer_streams(self, data):
        for event in self.http2.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                self.got += b"%r" % (event.headers,)
            elif isinstance(event, h2.events.DataReceived):
                self.got += event.data
                self.http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.http2.send_headers(event.stream_id, [(":status", "200"), ("content-length", "5")])
                self.http2.send_data(event.stream_id, b"hello", end_stream=True)
        self.transport.write(self.http2.data_to_send())


class Hooks(Addon):
    """The addon, telling what it was asked in which order."""

    def hook(self, name):
        method = super().hook(name)
        if method is None:
            return None

        def asked(handler, data):
            CURRENT.get().hooks.append(name)
            if name == "requestheaders" and data.request.path == "/slow":
                return late(handler, data)
            return method(handler, data)

        async def late(handler, data):
            await asyncio.sleep(TURN)
            await method(handler, data)

        return asked


class Spool:
    has_room, problem = True, None

    def append(self, record):
        told = (record.event, record.reason, record.status, record.bytes_in, record.bytes_out, record.outcome)
        CURRENT.get().records.append(told)

    append_sparing = append_last = append


class Stage:
    """The one engine of the process, with a front and origins for each conversation."""

    def __init__(self, folder: Path, stock: frozenset[str]) -> None:
        spool = Spool()
        self.state = node(("malware: site.test/path",), spool=spool, recorder=Recorder(spool))
        self.state.in_force = replace(self.state.in_force, limits=PATIENT)
        self.state.resolver.table.update(PUBLIC)
        origins = Authority.create(folder)
        self.origin_tls = server_context(origins.leaf("site.test"), "h2", "http/1.1")
        authority = open_or_create(folder / "ca", "Demo", datetime.now(UTC))
        self.trust = folder / "ca" / "authority.crt"
        tls_config = BreakwaterTlsConfig(LeafCertificates(authority, "filter.test"), (origins.file,))
        addon = Hooks(self.state, tls_config)
        engine.install(self.dial, WorkerAnswers(self.state, addon.handlers), stock)
        self.engine = Engine(addon, tls_config, Times(120, 600, 5), lambda: self.state.limits.h2_window_bytes)

    async def dial(self, host, port):
        if host != "site.test":
            raise OSError("nothing is there")
        return await asyncio.open_connection("127.0.0.1", CURRENT.get().ports[port])

    async def run(self, steps, kind):
        conversation = Conversation()
        CURRENT.set(conversation)
        inside = None if kind == "plain" else tunnel()
        loop = asyncio.get_running_loop()
        plain = await loop.create_server(lambda: Origin(conversation), "127.0.0.1", 0)
        tls = await loop.create_server(lambda: Origin(conversation), "127.0.0.1", 0, ssl=self.origin_tls)
        conversation.ports = {80: plain.sockets[0].getsockname()[1], 443: tls.sockets[0].getsockname()[1]}

        async def serve(reader, writer):
            CURRENT.set(conversation)
            await self.engine.serve(reader, writer, inside)
            writer.close()

        front = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*front.sockets[0].getsockname()[:2])
        if kind != "plain":
            context = ssl.create_default_context(cafile=self.trust)
            context.set_alpn_protocols(["h2"] if kind == "http2" else ["http/1.1"])
            await writer.start_tls(context, server_hostname="site.test")
        heard = Heard(reader)
        await (_talk_http2 if kind == "http2" else _talk)(heard, writer, steps)
        writer.close()
        client = await heard.all()
        return {
            "client": client.decode("latin-1"),
            "origins": [got.decode("latin-1") for got in conversation.origins],
            "hooks": conversation.hooks,
            "records": conversation.records,
        }


class Heard:
    """What a client hears, as it comes."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.data = bytearray()
        self._reader = reader
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        with suppress(ConnectionError):
            while more := await self._reader.read(1 << 20):
                self.data += more

    async def all(self) -> bytes:
        """Everything so far, once it is quiet."""
        quiet = 0
        while quiet < QUIET_TURNS:
            known = len(self.data)
            await asyncio.sleep(TURN)
            quiet = quiet + 1 if len(self.data) == known else 0
        return bytes(self.data)


async def _talk(heard, writer, steps) -> None:
    for step in steps:
        if step is None:
            writer.write_eof()
        else:
            writer.write(step)
        await heard.all()


async def _talk_http2(heard, writer, steps) -> None:
    http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    http.initiate_connection()
    known = 0
    for number, (method, path, body) in enumerate(steps):
        fields = [(":method", method), (":scheme", "https"), (":authority", "site.test"), (":path", path)]
        http.send_headers(2 * number + 1, fields, end_stream=not body)
        for start in range(0, len(body), 16_384):
            piece = body[start : start + 16_384]
            http.send_data(2 * number + 1, piece, end_stream=start + len(piece) == len(body))
        writer.write(http.data_to_send())
        data = await heard.all()
        for event in http.receive_data(data[known:]):
            if isinstance(event, h2.events.DataReceived):
                http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        known = len(data)


async def main(folder: Path, stock: frozenset[str]) -> None:
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)  # as in a worker
    # Ids and the masks of WebSockets are random; here they are numbers that every run has.
    usage_log.record.os = SimpleNamespace(urandom=lambda size: CURRENT.get().random(size))
    wsproto.frame_protocol.os = SimpleNamespace(urandom=bytes)
    stage = Stage(folder, stock)
    tables = {"plain": PLAIN, "intercepted": INTERCEPTED, "http2": HTTP2}
    named = [(kind, name, steps) for kind, table in tables.items() for name, steps in table.items()]
    told = await asyncio.gather(*(stage.run(steps, kind) for kind, _, steps in named))
    json.dump({f"{kind}: {name}": each for (kind, name, _), each in zip(named, told, strict=True)}, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), frozenset(filter(None, sys.argv[2].split(",")))))
