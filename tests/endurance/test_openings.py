"""A proxy that does not let go is found, inside TLS too."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from tests.e2e.certificates import Authority, server_context
from tests.endurance import openings
from tests.endurance.openings import Hung


@contextlib.contextmanager
def holding(context, seconds):
    """A TLS server that reads and answers nothing, and keeps the connection for so long."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hold():
            connection, _ = listener.accept()
            with context.wrap_socket(connection, server_side=True):
                over.wait(seconds)

        thread = threading.Thread(target=hold)
        thread.start()
        yield listener.getsockname()[1]
        over.set()
        thread.join()


async def said(port):
    await openings._say_and_wait(await openings._open(port, ssl=openings._trusting_nobody("http/1.1")), b"x")


async def test_a_connection_inside_tls_that_is_not_let_go_of_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(openings, "HANGS", 1.0)
    context = server_context(Authority.create(tmp_path).leaf("allowed.test"), "http/1.1")
    with holding(context, 30) as port, pytest.raises(Hung):
        await said(port)
    with holding(context, 0.5) as port:
        await said(port)
