"""An origin for one connection, at an address where nothing else listens: it does as a test says."""

from __future__ import annotations

import contextlib
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.e2e.certificates import server_context
from tests.e2e.network import ADDRESSES

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from tests.e2e.network import Network

SILENT = "closed.test"
_SECONDS = 30


@contextmanager
def lone_origin(
    network: Network, serve: Callable[[socket.socket, ssl.SSLContext], None], alpn: str = "http/1.1"
) -> Iterator[None]:
    """`serve` gets the connection before TLS, and what to begin TLS with; the filter may end it at any time."""
    context = server_context(network.authority.leaf(SILENT), alpn)

    def one() -> None:
        connection, _ = listener.accept()
        with contextlib.suppress(OSError), connection:
            serve(connection, context)

    with socket.create_server((ADDRESSES[SILENT], network.tls_port)) as listener:
        listener.settimeout(_SECONDS)
        thread = threading.Thread(target=one)
        thread.start()
        try:
            yield
        finally:
            thread.join(_SECONDS)


@contextmanager
def saying(network: Network, alpn: str, *said: tuple[float, bytes]) -> Iterator[None]:
    """Reads a request, and says each piece after so many seconds; then nothing, until the filter ends it."""
    over = threading.Event()

    def serve(connection: socket.socket, context: ssl.SSLContext) -> None:
        with context.wrap_socket(connection, server_side=True) as inside:
            inside.recv(65536)
            for pause, piece in said:
                if over.wait(pause):
                    return
                inside.sendall(piece)
            over.wait(_SECONDS)

    with lone_origin(network, serve, alpn):
        try:
            yield
        finally:
            over.set()
