from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import contextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING

import httpx
import pytest

from categories.download_problems import of_break, of_status
from categories.pace import TooSlow
from tests.e2e.certificates import Authority, server_context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.mark.parametrize(
    ("status", "retry_after", "words"),
    [
        (500, None, "the server answered 500 (Internal Server Error); try again later"),
        (503, "60", "the server answered 503 (Service Unavailable); try again later; it asks to wait 60 seconds"),
        (429, "3600", "the server answered 429 (Too Many Requests); try again later; it asks to wait 3,600 seconds"),
        (503, "0", "the server answered 503 (Service Unavailable); try again later"),
        (503, "-5", "the server answered 503 (Service Unavailable); try again later"),
        (503, "9" * 500, "the server answered 503 (Service Unavailable); try again later"),
        (503, "soon\u00b2", "the server answered 503 (Service Unavailable); try again later"),
        (503, "\u00b2", "the server answered 503 (Service Unavailable); try again later"),
        (503, "Sun, 01 Nov 2020 10:00:00 GMT", "the server answered 503 (Service Unavailable); try again later"),
        (404, "60", "the server answered 404 (Not Found); check its url"),
        (410, None, "the server answered 410 (Gone); check its url"),
        (401, None, "the server answered 401 (Unauthorized); check its url, and whether the publisher lets this "
         "district fetch it"),
        (799, None, "the server answered 799; try again later"),
        (204, None, "the server answered 204 (No Content); check its url"),
    ],
)  # fmt: skip
def test_an_answer_without_a_list(status: int, retry_after: str | None, words: str) -> None:
    headers = [("Retry-After", retry_after.encode())] if retry_after else []
    assert of_status(httpx.Response(status, headers=headers)) == words


def test_a_date_to_come_again_is_said_in_seconds() -> None:
    said = of_status(httpx.Response(503, headers={"Retry-After": formatdate(time.time() + 3600, usegmt=True)}))
    assert any(said.endswith(f"it asks to wait {seconds:,} seconds") for seconds in range(3590, 3602))


def wrapped(*causes: BaseException) -> httpx.ConnectError:
    """What the libraries make of what the system says: each one wraps the next."""
    problem = httpx.ConnectError("https://list.test/?token=secret")
    outer: BaseException = problem
    for cause in causes:
        outer.__cause__ = cause
        outer = cause
    return problem


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (wrapped(OSError("all"), ConnectionRefusedError(111, "no")), "nobody answers at the server's address; try"),
        (wrapped(socket.gaierror(-2, "secret")), "the server's name is not found; check its url, and this machine's"),
        (wrapped(OSError("all"), ExceptionGroup("two", [OSError(1), ssl.SSLError(1, "x")])), "no TLS with the server"),
        (httpx.ReadTimeout("secret"), "the download took too long; try again later"),
        (TimeoutError(), "the download took too long; try again later"),
        (TooSlow(1, 2), "the download came slower than 1 bytes a second for 2 seconds; try again later"),
        (httpx.TooManyRedirects("secret"), "the server redirects again and again; check its url"),
        (httpx.ReadError("secret"), "the download broke off (ReadError); try again later"),
    ],
    ids=["refused", "no name", "no TLS", "idle", "over time", "slow", "redirects", "cut"],
)
def test_a_connection_that_came_to_nothing(problem: Exception, words: str) -> None:
    assert of_break(problem).startswith(words)
    assert "secret" not in of_break(problem)


@contextmanager
def tls_server(context: ssl.SSLContext | None) -> Iterator[int]:
    """Answer one connection with TLS, or with plain bytes; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(5)
                try:
                    if context:
                        context.wrap_socket(connection, server_side=True).close()
                    else:
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                        connection.recv(65536)
                except OSError:  # the client does not go on
                    return

        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def asked(port: int) -> str:
    with pytest.raises(httpx.HTTPError) as broken:
        httpx.get(f"https://127.0.0.1:{port}/", trust_env=False)
    return of_break(broken.value)


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    with tls_server(server_context(Authority.create(tmp_path).leaf("127.0.0.1"), "http/1.1")) as port:
        assert asked(port).startswith("the server's certificate is not valid (")


def test_a_server_without_tls() -> None:
    with tls_server(None) as port:
        assert asked(port) == "no TLS with the server (WRONG_VERSION_NUMBER); check its url"
