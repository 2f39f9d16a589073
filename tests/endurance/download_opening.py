"""A server that answers the download of a list with bytes that are nearly right."""

from __future__ import annotations

import contextlib
import socket
import threading
from functools import cache
from typing import TYPE_CHECKING

from httpx._transports import default

from categories.download import DownloadLimits, download
from categories.download_state import Validators, keep_state
from categories.errors import ListRefused, ListsRefused
from categories.sources import ListSource
from tests.endurance import seeds
from tests.endurance.list_seeds import GOLDEN, packed
from tests.endurance.mutation import mutated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# To read every certificate authority takes longer than a download; none is asked here.
vars(default)["create_ssl_context"] = cache(default.create_ssl_context)

LIST = b"a.test\n" * 20
LIMITS = DownloadLimits(size=10_000, seconds=4.0, head=2.0, idle=1.0)
ETAG, MODIFIED = '"one"', "Sun, 01 Nov 2026 10:00:00 GMT"

_KNOWN = f"ETag: {ETAG}\r\nLast-Modified: {MODIFIED}\r\nDate: Mon, 02 Nov 2026 10:00:00 GMT\r\n"
_TOKENS = [
    *(b"\r\n", b"\n", b"\r\n\r\n", b"\0", b"\xff", b" ", b":", b"5\r\n", b"HTTP/1.1 206\r\n", b"HTTP/1.1 304\r\n\r\n"),
    *(b"Content-Length: -1\r\n", b"Content-Length: 99999999999999999999\r\n", b"Content-Length: " + b"9" * 5000),
    *(b"Content-Range: bytes 70-139/140\r\n", b"Content-Range: bytes 0-/\r\n", b'ETag: "\xff"\r\n', b'ETag: W/""\r\n'),
    *(b"Location: http://[\r\n", b"Location: /\xff\r\n", b"Location: //a:b@c:99999/\r\n", b"Location: \r\n"),
    *(b"Last-Modified: Sun, 99 Nov 9999999 10:00:00 GMT\r\n", b"Last-Modified: Mon, 01 Jan 0001 00:00:00 +1400\r\n"),
    *(b"Retry-After: 99999999999\r\n", b"Retry-After: \xb2\r\n", b"Date: -1\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Set-Cookie: a=b; Domain=\r\n", b"Content-Encoding: gzip\r\n", b"Connection: upgrade\r\n", b"x" * 70_000),
]  # fmt: skip


def answers() -> list[bytes]:
    """What servers of lists answer, well and badly."""

    def whole(status: str, head: str, body: bytes) -> bytes:
        return f"HTTP/1.1 {status}\r\n{_KNOWN}{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    zipped = packed((GOLDEN / "domains.list").read_bytes())
    return [
        *seeds.answers(),
        whole("200 OK", "", LIST),
        whole("200 OK", "", zipped),
        whole("206 Partial Content", f"Content-Range: bytes 70-139/{len(LIST)}\r\n", LIST[70:]),
        whole("304 Not Modified", "", b""),
        whole("302 Found", "Location: /again\r\n", b""),
        whole("416 Range Not Satisfiable", f"Content-Range: bytes */{len(LIST)}\r\n", b""),
        whole("503 Service Unavailable", "Retry-After: 120\r\n", b"later"),
        b"HTTP/1.0 200 OK\r\n\r\n" + LIST,
    ]


def bytes_of(run: int, number: int) -> bytes:
    """An answer that was changed in a few places."""
    return mutated(answers(), run, number, _TOKENS)


def read(at: Path, scratch: Path) -> None:
    """Fetch a list from a server that answers with the bytes of `at`, with a list and a part from before."""
    kept = scratch / "downloads"
    kept.mkdir()
    with _answering(at.read_bytes()) as port:
        url = f"http://127.0.0.1:{port}/list?key=secret"
        for name, data in (("mine", LIST), ("mine.part", LIST[:70])):
            (kept / name).write_bytes(data)
            keep_state(kept / name, url, Validators(ETAG, MODIFIED, settled=True))
        source = ListSource("mine", "domains", url=url, category="games")
        try:
            download(source, scratch / "mine", kept, lambda what, done, total: None, LIMITS)
        except ListsRefused as refusal:
            if "secret" in str(refusal) or "\n" in str(refusal):
                raise ValueError(f"says {str(refusal)!a}") from refusal
            if isinstance(refusal, ListRefused):
                raise


@contextlib.contextmanager
def _answering(data: bytes) -> Iterator[int]:
    """A server that says the same to whoever asks."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer, args=(listener, data))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _answer(listener: socket.socket, data: bytes) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # it is over
            return
        with connection, contextlib.suppress(OSError):
            connection.settimeout(LIMITS.seconds)
            connection.recv(65536)
            connection.sendall(data)
