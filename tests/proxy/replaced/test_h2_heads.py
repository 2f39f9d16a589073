"""A head that has begun over HTTP/2, whatever its frames: when it is whole, and how long it may still take."""

from __future__ import annotations

import pytest
from hyperframe import frame as frames

from proxy.replaced.h2_heads import BoundedFrames, HeadClock
from tests.proxy.clock import Clock

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = frames.SettingsFrame(0).serialize()
HEAD = frames.HeadersFrame(1, b"x" * 40, flags=["END_HEADERS"]).serialize()
FIRST = frames.HeadersFrame(3, b"x" * 40).serialize()
NEXT = frames.ContinuationFrame(3, b"x" * 40).serialize()
LAST = frames.ContinuationFrame(3, b"x" * 40, flags=["END_HEADERS"]).serialize()
DATA = frames.DataFrame(1, b"x" * 40).serialize()


def taken(*pieces: bytes) -> BoundedFrames:
    made = BoundedFrames(65_536, server=True)
    made.max_frame_size = 16_384
    for piece in pieces:
        made.add_data(piece)
        list(made)
    return made


@pytest.mark.parametrize(
    ("says", "pieces", "begun"),
    [
        ("a client that has said nothing has begun nothing", [], False),
        ("a part of the preface", [PREFACE[:3]], True),
        ("the preface alone: a connection that may wait for its first request", [PREFACE], False),
        ("a part of the first frame", [PREFACE, SETTINGS[:2]], True),
        ("a head", [PREFACE, SETTINGS, HEAD], False),
        ("a part of a head", [PREFACE, SETTINGS, HEAD[:20]], True),
        ("a head that goes on", [PREFACE, SETTINGS, FIRST], True),
        ("a head that still goes on", [PREFACE, SETTINGS, FIRST, NEXT], True),
        ("a head of three frames", [PREFACE, SETTINGS, FIRST, NEXT, LAST], False),
        ("a part of a body is none of a head", [PREFACE, SETTINGS, HEAD, DATA[:20]], False),
        ("a part of the next head behind a body", [PREFACE, SETTINGS, HEAD, DATA, HEAD[:5]], True),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_has_begun(says: str, pieces: list[bytes], begun: bool) -> None:
    assert taken(*pieces).begun is begun, says


@pytest.mark.parametrize("length", range(1, len(HEAD)))
def test_a_head_has_begun_at_its_first_byte_and_until_its_last(length: int) -> None:
    made = taken(PREFACE + SETTINGS + HEAD[:length])
    assert made.begun
    made.add_data(HEAD[length:])
    list(made)
    assert not made.begun


def test_the_clock_starts_at_the_first_byte_and_drips_do_not_prolong_it() -> None:
    clock, made = Clock(), taken(PREFACE, SETTINGS)
    watch = HeadClock(made, clock)
    assert watch.left(10) is None
    for second, byte in enumerate(HEAD[:-1]):
        made.add_data(bytes([byte]))
        list(made)
        assert watch.left(10) == 10 - second
        clock.now += 1
    made.add_data(HEAD[-1:])
    list(made)
    assert watch.left(10) is None


def test_every_head_has_its_own_time() -> None:
    """Where the next has begun in the bytes that end the one before, nothing is ever seen to be whole."""
    clock, made = Clock(), taken(PREFACE, SETTINGS, HEAD[:5])
    watch = HeadClock(made, clock)
    for _ in range(5):
        assert watch.left(10) == 10
        clock.now += 9
        assert watch.left(10) == 1
        made.add_data(HEAD[5:] + HEAD[:5])
        list(made)
