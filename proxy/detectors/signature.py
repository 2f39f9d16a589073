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
    """The first bytes of one protocol, in one direction."""

    reason: str
    fits: Fits


def prefix(*beginnings: bytes) -> Fits:
    """Recognise bytes that begin with one of `beginnings`."""

    def fits(data: bytes) -> bool | None:
        if data.startswith(beginnings):
            return True
        return None if any(beginning.startswith(data) for beginning in beginnings) else False

    return fits
