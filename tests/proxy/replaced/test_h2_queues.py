"""Whatever the windows, what was put in comes out, in order and once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.replaced.h2_queues import Piece, Queues


@given(st.lists(st.binary(max_size=9000), min_size=1, max_size=20), st.lists(st.integers(-5, 6000), max_size=200))
def test_what_is_kept_is_taken(pieces, rooms):
    queues = Queues()
    for number, data in enumerate(pieces, 1):
        queues.keep(1, data, ends=number == len(pieces))
    taken = []
    for room in [*rooms, *[70_000] * 30]:
        while piece := queues.take(1, room):
            assert len(piece.data) <= max(0, room)
            taken.append(piece)
            room -= len(piece.data)
        assert queues.sizes[1] == sum(map(len, pieces)) - sum(len(piece.data) for piece in taken)
    assert b"".join(piece.data for piece in taken) == b"".join(pieces)
    assert [piece.ends for piece in taken].count(True) == 1
    assert taken[-1].ends
    assert not queues.pending(1)


def test_single_bytes_are_put_together():
    """A million pieces of one byte would take 150 MB."""
    queues = Queues()
    for _ in range(10_000):
        queues.keep(1, b"x", ends=False)
    assert len(queues._pieces[1]) < 5
    assert queues.sizes == {1: 10_000}


def test_an_end_needs_no_room():
    queues = Queues()
    queues.keep(1, b"", ends=True)
    assert queues.take(1, -7) == Piece(b"", ends=True)


def test_a_stream_that_is_forgotten_leaves_nothing():
    queues = Queues()
    queues.keep(1, b"data", ends=True)
    queues.keep_trailers(1, [(b"a", b"b")])
    assert queues.forget(1) == [(b"a", b"b")]
    assert (bool(queues), queues.sizes, queues.has_trailers(1), 1 in queues) == (False, {}, False, False)
