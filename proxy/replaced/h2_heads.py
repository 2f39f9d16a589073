"""HTTP/2 frames from bytes, with a bound on a head that goes on in CONTINUATION frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2.frame_buffer import FrameBuffer

from proxy.replaced.floods import Flood

if TYPE_CHECKING:
    from hyperframe.frame import Frame


class BoundedFrames(FrameBuffer):
    """h2's reader takes 64 such frames of any size; here a head has at most `head_bytes`, compressed."""

    def __init__(self, head_bytes: int, *, server: bool) -> None:
        super().__init__(server=server)
        self._head_bytes = head_bytes

    def _update_header_buffer(self, f: Frame | None) -> Frame | None:
        frame = super()._update_header_buffer(f)
        if self._headers_buffer and sum(len(each.data) for each in self._headers_buffer) > self._head_bytes:
            raise Flood("an HTTP/2 head without an end")
        return frame
