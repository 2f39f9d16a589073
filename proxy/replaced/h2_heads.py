"""HTTP/2 frames from bytes, with a bound on a head that goes on in CONTINUATION frames, and on its time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from h2.frame_buffer import FrameBuffer
from hyperframe.frame import DataFrame

from proxy.replaced.floods import Flood

if TYPE_CHECKING:
    from collections.abc import Callable

    from hyperframe.frame import Frame

#: Where a frame says its type: RFC 9113, section 4.1.
_TYPE_AT = 3


class BoundedFrames(FrameBuffer):
    """h2's reader takes 64 such frames of any size; here a head has at most `head_bytes`, compressed."""

    def __init__(self, head_bytes: int, *, server: bool) -> None:
        super().__init__(server=server)
        self._head_bytes = head_bytes
        self._preface = self._preamble_len
        #: Frames that came whole, a head in several of them as one.
        self.whole = 0

    @property
    def begun(self) -> bool:
        """Whether something has begun that is not whole: the preface, a head, any frame but DATA."""
        if self._preamble_len:
            return self._preamble_len < self._preface
        if self._headers_buffer:
            return True
        return bool(self._data) and self._data[_TYPE_AT : _TYPE_AT + 1] != bytes([DataFrame.type])

    def _update_header_buffer(self, f: Frame | None) -> Frame | None:
        frame = super()._update_header_buffer(f)
        if self._headers_buffer and sum(len(each.data) for each in self._headers_buffer) > self._head_bytes:
            raise Flood("an HTTP/2 head without an end")
        if frame is not None:
            self.whole += 1
        return frame


class HeadClock:
    """How long what has begun may still take. `clock` gives monotonic seconds."""

    def __init__(self, frames: BoundedFrames, clock: Callable[[], float] = time.monotonic) -> None:
        self._frames = frames
        self._clock = clock
        self._since, self._behind = 0.0, -1
        #: Whether a wake-up is under way: there is one at a time, however often a client begins.
        self.watched = False

    def left(self, seconds: float) -> float | None:
        """Give the seconds left of `seconds` for what has begun since the last whole frame; None for nothing."""
        if not self._frames.begun:
            self._behind = -1
            return None
        if self._behind != self._frames.whole:
            self._since, self._behind = self._clock(), self._frames.whole
        return self._since + seconds - self._clock()
