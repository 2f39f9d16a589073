"""A real HTTP server on loopback that serves lists, well and badly."""

from __future__ import annotations

import re
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

type Answer = Callable[[BaseHTTPRequestHandler], None]


def body(data: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(data)

    return answer


def cut_off(data: bytes) -> Answer:
    """Promises twice what it sends."""
    return body(data, Content_Length=str(2 * len(data)))


def redirect(location: str) -> Answer:
    return body(b"", 302, Location=location)


def no_answer(request: BaseHTTPRequestHandler) -> None:
    """Reads the question and hangs up."""


def drip(request: BaseHTTPRequestHandler) -> None:
    """One byte every 50 ms, for ten seconds: never idle, never done."""
    _sent_on(request, b"a", pause=0.05, times=200)


def slowing(data: bytes, quick: int) -> Answer:
    """The first bytes at once, the next ones one every 50 ms; the server knows what it gives."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("ETag", '"one"')
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        with suppress(OSError):
            request.wfile.write(data[:quick])
            for byte in data[quick : quick + 200]:
                time.sleep(0.05)
                request.wfile.write(bytes([byte]))

    return answer


def endless(request: BaseHTTPRequestHandler) -> None:
    """A line again and again, as quick as it goes, and no length."""
    _sent_on(request, b"blocked.test\n" * 1000, pause=0.0, times=1_000_000)


def head_drip(request: BaseHTTPRequestHandler) -> None:
    """A head that never ends: a byte every 50 ms, for ten seconds."""
    with suppress(OSError):
        request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(200):
            request.wfile.write(b"a")
            request.wfile.flush()
            time.sleep(0.05)


def _sent_on(request: BaseHTTPRequestHandler, data: bytes, pause: float, times: int) -> None:
    with suppress(OSError):  # the client goes away, as it should
        request.send_response(200)
        request.end_headers()
        for _ in range(times):
            request.wfile.write(data)
            request.wfile.flush()
            time.sleep(pause)


@dataclass
class Published:
    """A list on a good server: with an ETag and a time, in parts where one is asked for.

    `cut` ends an answer after so many bytes. What was asked is kept in `asked`, and how it was answered in `answered`.
    """

    data: bytes
    etag: str | None = '"one"'
    modified: str | None = "Sun, 01 Nov 2026 10:00:00 GMT"
    cut: int | None = None
    ranges: bool = True
    asked: list[dict[str, str]] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append(headers)
        validators = {"ETag": self.etag, "Last-Modified": self.modified}
        known = {name: value for name, value in validators.items() if value}
        if self._unchanged(headers):
            return self._send(request, 304, b"", known)
        begin = self._begin(headers)
        if begin is None:
            return self._send(request, 200, self.data, known)
        if begin >= len(self.data):
            return self._send(request, 416, b"", {"Content-Range": f"bytes */{len(self.data)}"})
        known["Content-Range"] = f"bytes {begin}-{len(self.data) - 1}/{len(self.data)}"
        return self._send(request, 206, self.data[begin:], known)

    def _unchanged(self, headers: dict[str, str]) -> bool:
        if "if-none-match" in headers:
            return headers["if-none-match"] == self.etag
        return self.modified is not None and headers.get("if-modified-since") == self.modified

    def _begin(self, headers: dict[str, str]) -> int | None:
        wanted = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        if not wanted or not self.ranges or headers.get("if-range") not in (self.etag, self.modified):
            return None
        return int(wanted[1])

    def _send(self, request: BaseHTTPRequestHandler, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.answered.append(status)
        request.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(data[: self.cut])


@contextmanager
def serving(answers: dict[str, Answer]) -> Iterator[str]:
    """Serve `answers` by path; give the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.get(self.path.partition("?")[0], body(b"no such list", 404))(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
