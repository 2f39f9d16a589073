"""What went wrong with a download, in words for people: what, and what to do. Never with the list's address in it."""

from __future__ import annotations

import http
import socket
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx

from categories.pace import TooSlow

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_WAIT = 7 * 86_400

_LATER = "try again later"
_CHECK_URL = "check its url"


def of_status(answer: httpx.Response) -> str:
    """Say what an answer is that holds no list."""
    status = answer.status_code
    return f"the server answered {status}{_phrase(status)}; {_advice(status, answer.headers.get('Retry-After'))}"


def _phrase(status: int) -> str:
    try:
        return f" ({http.HTTPStatus(status).phrase})"
    except ValueError:
        return ""


def _advice(status: int, retry_after: str | None) -> str:
    if status in {401, 403, 407}:
        return f"{_CHECK_URL}, and whether the publisher lets this district fetch it"
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        seconds = _seconds(retry_after)
        return f"{_LATER}; it asks to wait {seconds:,} seconds" if seconds else _LATER
    return _CHECK_URL


def _seconds(retry_after: str | None) -> int | None:
    """How long a server asks to wait (RFC 9110, 10.2.3): seconds or a date; None for what nobody would wait."""
    text = (retry_after or "").strip()
    try:
        if text.isascii() and text.isdigit():
            wait = int(text[:9])
        else:
            wait = round(parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
    return wait if 0 < wait <= _LONGEST_WAIT else None


def of_break(problem: Exception) -> str:
    """Say why a connection came to nothing, or ended too early."""
    if isinstance(problem, httpx.TooManyRedirects):
        return f"the server redirects again and again; {_CHECK_URL}"
    if isinstance(problem, TooSlow):
        return f"the download {problem}; {_LATER}"
    if isinstance(problem, TimeoutError | httpx.TimeoutException):
        return f"the download took too long; {_LATER}"
    for cause in _causes(problem):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the server's certificate is not valid ({cause.verify_message}); tell its publisher"
        if isinstance(cause, ssl.SSLError):
            return f"no TLS with the server ({getattr(cause, 'reason', None) or type(cause).__name__}); {_CHECK_URL}"
        if isinstance(cause, socket.gaierror):
            return f"the server's name is not found; {_CHECK_URL}, and this machine's DNS"
    if isinstance(problem, httpx.ConnectError):
        return f"nobody answers at the server's address; {_LATER}"
    return f"the download broke off ({type(problem).__name__}); {_LATER}"


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    """Everything below an exception: libraries wrap what the system said, and gather it where they tried twice."""
    if problem is None:
        return
    yield problem
    if isinstance(problem, BaseExceptionGroup):
        for each in problem.exceptions:
            yield from _causes(each)
    yield from _causes(problem.__cause__ or problem.__context__)
