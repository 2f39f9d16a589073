"""What waits for an HTTP/2 peer's windows, by stream."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    #: Header fields after a body.
    Trailers = Iterable[tuple[bytes, bytes]]

#: What waits is put together up to this, in bytes: a million chunks of one byte would else take 150 MB.
_MERGED = 4096


class Piece(NamedTuple):
    """Bytes of a body, and whether they are its last."""

    data: bytes
    ends: bool


class Queues:
    """Pieces in order, stream by stream; the stream that was served last comes last."""

    def __init__(self) -> None:
        self._pieces: dict[int, deque[Piece]] = {}
        self._trailers: dict[int, Trailers] = {}
        #: Bytes that wait, by stream.
        self.sizes: dict[int, int] = {}

    def __contains__(self, stream_id: int) -> bool:
        return stream_id in self._pieces

    def __iter__(self) -> Iterator[int]:
        return iter(list(self._pieces))

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def keep(self, stream_id: int, data: bytes, *, ends: bool) -> None:
        """Put a piece behind the others."""
        pieces = self._pieces.setdefault(stream_id, deque())
        self.sizes[stream_id] = self.sizes.get(stream_id, 0) + len(data)
        if pieces and len(pieces[-1].data) + len(data) <= _MERGED:
            data = pieces.pop().data + data
        pieces.append(Piece(data, ends))

    def take(self, stream_id: int, room: int) -> Piece | None:
        """Take what may leave of the first piece; None where nothing may, or nothing waits."""
        pieces = self._pieces.get(stream_id)
        if not pieces or (room <= 0 and pieces[0].data):
            return None
        data, ends = pieces.popleft()
        now, later = data[: max(0, room)], data[max(0, room) :]
        if later:
            pieces.appendleft(Piece(later, ends))
        self.sizes[stream_id] -= len(now)
        return Piece(now, ends and not later)

    def pending(self, stream_id: int) -> bool:
        """Whether a piece of a stream is left."""
        return bool(self._pieces.get(stream_id))

    def keep_trailers(self, stream_id: int, trailers: Trailers) -> None:
        """Keep what follows the last piece."""
        self._trailers[stream_id] = trailers

    def has_trailers(self, stream_id: int) -> bool:
        """Whether trailers end the stream."""
        return stream_id in self._trailers

    def forget(self, stream_id: int) -> Trailers | None:
        """Drop a stream; its trailers, if it has any."""
        self._pieces.pop(stream_id, None)
        self.sizes.pop(stream_id, None)
        return self._trailers.pop(stream_id, None)

    def last(self, stream_id: int) -> None:
        """Serve the other streams first from now on."""
        self._pieces[stream_id] = self._pieces.pop(stream_id)
