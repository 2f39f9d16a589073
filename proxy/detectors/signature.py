"""How a protocol is known by its first bytes: a signature gives the reason code, never the decision.

What is neither TLS nor HTTP behind CONNECT is refused whether a signature fits or not. So a signature may be strict,
and it is never asked what random bytes look like.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    #: True: these first bytes are of the protocol. None: more of them have to tell. False: they are not.
    Fits = Callable[[bytes], bool | None]


@dataclass(frozen=True, slots=True)
class Signature:
    """The first bytes of one protocol, in one direction.

    `certain` is False where so few bytes tell that a WebSocket, which may carry anything, must not be closed for them.
    """

    reason: str
    fits: Fits
    certain: bool = True


def prefix(*beginnings: bytes) -> Fits:
    """Recognise bytes that begin with one of `beginnings`."""
    return at(0, *beginnings)


def at(offset: int, *values: bytes) -> Fits:
    """Recognise one of `values` at `offset`."""

    def fits(data: bytes) -> bool | None:
        piece = data[offset:]
        if piece.startswith(values):
            return True
        return None if any(value.startswith(piece) for value in values) else False

    return fits


def among(offset: int, values: bytes) -> Fits:
    """Recognise a byte at `offset` that is one of `values`."""

    def fits(data: bytes) -> bool | None:
        return data[offset] in values if len(data) > offset else None

    return fits


def all_of(*parts: Fits) -> Fits:
    """Recognise bytes that fit every part: False as soon as one does not."""

    def fits(data: bytes) -> bool | None:
        answer: bool | None = True
        for part in parts:
            told = part(data)
            if told is False:
                return False
            if told is None:
                answer = None
        return answer

    return fits


def number(data: bytes, offset: int, size: int) -> int | None:
    """Give the number of `size` bytes at `offset`, in network order; None where they have not come yet."""
    piece = data[offset : offset + size]
    return int.from_bytes(piece) if len(piece) == size else None
