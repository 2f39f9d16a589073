"""What the test origins answer: the same for HTTP/1.1 and HTTP/2."""

from __future__ import annotations

import asyncio
import base64
import html
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHUNK = bytes(range(256)) * 256  # 64 KiB
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGNkYPjPwMDAxMDAwMDAAAANHQEDK+ROIwAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True)
class Seen:
    """One request that reached an origin."""

    protocol: str  # "http/1.1", "h2" or "websocket"
    method: str
    host: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body_bytes: int = 0
    body_sha256: str = ""
    trailers: tuple[tuple[str, str], ...] = ()

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    def query(self, name: str) -> str:
        return parse_qs(urlsplit(self.target).query).get(name, [""])[0]


@dataclass(frozen=True)
class Answer:
    """`length` None means unknown: chunked in HTTP/1.1."""

    body: AsyncIterator[bytes]
    length: int | None
    type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    trailers: tuple[tuple[str, str], ...] = ()
    leaves: bool = False  # an HTTP/2 origin says GOAWAY behind the head


@dataclass
class Gate:
    """Lets a test hold a body back: /held/NAME sends 64 KiB, then waits for `release(NAME)`.

    The body of a request to /unread/NAME is read when NAME is released.
    """

    loop: asyncio.AbstractEventLoop
    events: dict[str, asyncio.Event] = field(default_factory=dict)

    def event(self, name: str) -> asyncio.Event:
        return self.events.setdefault(name, asyncio.Event())

    def release(self, name: str) -> None:
        self.loop.call_soon_threadsafe(lambda: self.event(name).set())


@dataclass(frozen=True)
class Said:
    """What an origin says at /said/NAME: pieces of a body, each sent by itself; a str waits until it is released."""

    pieces: tuple[bytes | str, ...]
    headers: tuple[tuple[str, str], ...] = ()
    type: str = "application/octet-stream"
    status: int = 200
    length: bool = False  # announced


#: What tests want to be said, by name. A name is one test's own.
SAID: dict[str, Said] = {}


async def _said(said: Said, gate: Gate) -> AsyncIterator[bytes]:
    for piece in said.pieces:
        if isinstance(piece, str):
            await gate.event(piece).wait()
        else:
            yield piece


async def _once(body: bytes) -> AsyncIterator[bytes]:
    if body:
        yield body


async def _many(size: int) -> AsyncIterator[bytes]:
    while size > 0:
        yield CHUNK[:size]
        size -= len(CHUNK)


async def _held(event: asyncio.Event) -> AsyncIterator[bytes]:
    yield CHUNK
    await event.wait()
    yield CHUNK


def _whole(body: bytes, type_: str = "text/html; charset=utf-8", status: int = 200) -> Answer:
    return Answer(_once(body), len(body), type_, status)


def _html(title: str, body: str) -> Answer:
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    return _whole(f'{head}<link rel="icon" href="data:,">{body}</body></html>'.encode())


def _page() -> Answer:
    return _html(
        "An allowed page",
        '<link rel="stylesheet" href="/style.css"></head><body><h1>An allowed page</h1><p id="script">no script</p>'
        '<img id="image" src="/pixel.png" alt=""><script src="/app.js"></script>',
    )


def around(image: str, frame: str) -> Said:
    """A page with an image and a frame of others. Its own address does not name them: that would be refused."""
    body = (
        f'<h1>Allowed around it</h1><img id="image" src="{html.escape(image)}" alt="">'
        f'<iframe id="frame" src="{html.escape(frame)}" width="600" height="400"></iframe>'
    )
    return Said((f'<!doctype html><link rel="icon" href="data:,">{body}'.encode(),), type="text/html")


def _socket() -> Answer:
    return _html(
        "Socket",
        '</head><body><p id="echo">waiting</p><script>const s = new WebSocket(`wss://${location.host}/echo-socket`);'
        "s.onopen = () => s.send('over the wire'); s.onerror = () => echo.textContent = 'failed';"
        "s.onmessage = m => echo.textContent = m.data;</script>",
    )


def _json(value: object) -> Answer:
    return _whole(json.dumps(value).encode(), "application/json")


_FIXED = {
    "/": lambda _: _page(),
    "/page": lambda _: _page(),
    "/style.css": lambda _: _whole(b"h1 { color: rgb(1, 2, 3) }", "text/css"),
    "/app.js": lambda _: _whole(b"script.textContent = 'script ran'", "text/javascript"),
    "/pixel.png": lambda _: _whole(PIXEL, "image/png"),
    "/socket": lambda _: _socket(),
    "/headers": lambda seen: _json(dict(seen.headers)),
    "/upload": lambda seen: _json({"bytes": seen.body_bytes, "sha256": seen.body_sha256}),
}


def answer(seen: Seen, gate: Gate) -> Answer:
    """What an origin says to `seen`. Any unknown path says which host and path it was."""
    if seen.path in _FIXED:
        return _FIXED[seen.path](seen)
    first, _, rest = seen.path[1:].partition("/")
    if first == "bytes":  # /bytes/SIZE, or /bytes/SIZE/NAME where a test wants the path for itself
        size = int(rest.partition("/")[0])
        return Answer(_many(size), size, "application/octet-stream")
    if first == "chunked":
        return Answer(_many(int(rest)), None, "application/octet-stream")
    if first == "trailers":
        return Answer(_many(int(rest)), None, "application/octet-stream", trailers=(("x-sum", "of the answer"),))
    if first == "hop":  # fields that are about the origin's connection only
        headers = (("Connection", "X-Secret"), ("X-Secret", "1"), ("Keep-Alive", "timeout=5"), ("Upgrade", "h2c"))
        return Answer(_once(b"hop"), 3, "text/plain", headers=headers)
    if first == "status":  # of answers that have no body
        return Answer(_once(b""), None if int(rest) in (204, 304) else 0, "text/plain", status=int(rest))
    if first == "bodiless":
        return Answer(_once(b""), 7, status=int(rest))
    if first == "said":
        said = SAID[rest]
        size = sum(len(piece) for piece in said.pieces) if said.length else None
        return Answer(_said(said, gate), size, said.type, said.status, said.headers)
    if first in ("held", "leaving"):
        size, leaves = 2 * len(CHUNK), first == "leaving"
        return Answer(_held(gate.event(rest)), size, "application/octet-stream", leaves=leaves)
    return _whole(f"this is {seen.host} {seen.path}".encode(), "text/plain")
