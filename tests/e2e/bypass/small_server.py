"""A small HTTP/1.1 server on a port of loopback; a gate stands before it, and ends TLS where there is any."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Handler(BaseHTTPRequestHandler):
    """Says nothing about what it does."""

    protocol_version = "HTTP/1.1"

    def reply(self) -> None:
        """Answers `self.command` for `self.path`."""
        raise NotImplementedError

    def _reply(self) -> None:
        self.reply()

    do_GET = do_POST = do_CONNECT = _reply  # noqa: N815  # their names in http.server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in http.server
        pass

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def answer(self, body: bytes, type_: str, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Type": type_, "Content-Length": str(len(body)), **named}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def small_server(handler: type[Handler]) -> Iterator[tuple[str, int]]:
    """Its address and port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield "127.0.0.1", server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
