"""Bodies on their way: counted, recorded before the bytes that the record speaks of go on, and bounded.

Bodies are never kept: each piece goes on as it comes. What grows past `body_bytes` is broken off there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy import upstream
from proxy.upstream import ours

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.recording import Exchange, Recorder

    #: What mitmproxy's `stream` attribute takes: a piece of a body, empty at its end, to what goes on. It must be a
    #: list where nothing goes on: an empty piece would be written as the last chunk.
    Count = Callable[[bytes], bytes | list[bytes]]

TOO_LARGE_REQUEST = ours(upstream.TOO_LARGE, "a body larger than body_bytes")
TOO_LARGE_ANSWER = ours(upstream.ANSWER_TOO_LARGE, "an answer larger than body_bytes")


def announced(value: str | None) -> int | None:
    """Give a Content-Length as a number of bytes; None for one that is none."""
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 20 else None


def request_counter(exchange: Exchange, recorder: Recorder, most: int) -> Count:
    """Count a request's body. Raises SpoolFull."""

    def count(data: bytes) -> bytes | list[bytes]:
        exchange.bytes_in += len(data)
        recorder.moves(exchange)
        if exchange.bytes_in > most:
            return broken_off(exchange, TOO_LARGE_REQUEST)
        return data

    return count


def answer_counter(exchange: Exchange, recorder: Recorder, most: int, end: Callable[[], None]) -> Count:
    """Count an answer's body, and call `end` before its end goes on. Raises SpoolFull."""

    def count(data: bytes) -> bytes | list[bytes]:
        exchange.bytes_out += len(data)
        recorder.moves(exchange)
        if exchange.bytes_out > most:
            return broken_off(exchange, TOO_LARGE_ANSWER)
        if not data:
            end()
        return data

    return count


def broken_off(exchange: Exchange, error: str) -> list[bytes]:
    """End an exchange alone, and give what goes on of the piece at hand: nothing."""
    if exchange.break_off is not None:
        exchange.break_off(error)
        exchange.break_off = None  # once: what is on its way until then is dropped here
    return []
