"""How much a peer may ask of an HTTP/2 connection without moving anything: RFC 9113, section 10.5."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2.stream import H2Stream

#: Frames without content that a peer may send at once, and those that it may send a second beyond that. Each costs
#: about 0.1 ms; a browser sends some twenty at the start and then a few a minute.
_AT_ONCE = 1000
_A_SECOND = 200

#: A peer that reads may open its windows once for so many bytes that it was sent (clients do so for 16 KiB or more).
_BYTES_A_FRAME = 4096

_MINUTE = 60.0


class Flood(ProtocolError):
    """A peer does nothing but cost time. The connection ends with ENHANCE_YOUR_CALM."""

    error_code = ErrorCodes.ENHANCE_YOUR_CALM


class Patience:
    """Counts what a peer sends without content, and how often it takes a request back."""

    def __init__(self, resets_per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left, self._counted = float(_AT_ONCE), clock()
        self._resets: deque[float] = deque(maxlen=resets_per_minute)

    def spend(self) -> None:
        """Count a frame that carries nothing. Raises Flood."""
        now = self._clock()
        self._left = min(_AT_ONCE, self._left + (now - self._counted) * _A_SECOND) - 1
        self._counted = now
        if self._left < 0:
            raise Flood("a flood of HTTP/2 frames without content")

    def earn(self, size: int) -> None:
        """Count bytes of a body that the peer took: it may open its windows for them."""
        self._left = min(_AT_ONCE, self._left + size / _BYTES_A_FRAME)

    def reset_by_peer(self, stream: H2Stream | None) -> None:
        """Count a reset that a client sent. Raises Flood.

        Behind its whole answer a request is not taken back: curl 7.88 resets every stream of which it has as many bytes
        as `content-length` says before it reads END_STREAM, and its 201st request within a minute ended the connection.
        """
        if stream is None or stream.closed:
            self.spend()
        else:
            self.reset()

    def reset(self) -> None:
        """Count a request that was taken back, or broken off for what the peer sent (CVE-2023-44487). Raises Flood."""
        now = self._clock()
        if len(self._resets) == self._resets.maxlen and now - self._resets[0] < _MINUTE:
            raise Flood("rapid reset: requests taken back as fast as they are made")
        self._resets.append(now)
