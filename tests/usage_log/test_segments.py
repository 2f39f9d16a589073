from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from tests.usage_log.records import record
from usage_log.frames import MAX_PAYLOAD, Stamped, encode
from usage_log.segments import Damage, quarantine, read_chunk

if TYPE_CHECKING:
    from pathlib import Path


def frame(seq: int) -> bytes:
    return encode(Stamped("n1", 0, 1, seq, record()))


ONE, TWO, THREE = frame(1), frame(2), frame(3)
ZEROS = bytes(700)
FLIPPED = bytes([*TWO[:40], TWO[40] ^ 1, *TWO[41:]])


def read_all(path: Path, limit: int = MAX_PAYLOAD * 2) -> tuple[list[int], list[Damage]]:
    """Read a segment to its end in chunks; the seqs and the damage found."""
    seqs, damage, offset = [], [], 0
    for _ in range(1000):
        chunk = read_chunk(path, offset, limit)
        seqs += [placed.stamped.seq for placed in chunk.frames]
        damage += [chunk.damage] if chunk.damage else []
        offset = chunk.end
        if chunk.finished:
            return seqs, damage
    raise AssertionError("the reader makes no progress")


@pytest.mark.parametrize(
    ("content", "seqs", "hurt"),
    [
        pytest.param(b"", [], [], id="an empty file"),
        pytest.param(ZEROS, [], [], id="a segment that was never used"),
        pytest.param(ONE + TWO + ZEROS, [1, 2], [], id="a segment left half full"),
        pytest.param(ONE + TWO, [1, 2], [], id="a segment that is full to the last byte"),
        pytest.param(ONE + TWO[:50] + ZEROS, [1], [TWO[:50]], id="a worker killed in its write"),
        pytest.param(ONE + TWO[:50], [1], [TWO[:50]], id="a worker killed in its write at the end of the file"),
        pytest.param(ONE + FLIPPED + THREE + ZEROS, [1, 3], [FLIPPED], id="a flipped bit costs its record only"),
        pytest.param(ONE + ZEROS + THREE, [1, 3], [b""], id="a page that a power cut left empty"),
        pytest.param(b"#!/bin/sh\n" + ONE, [1], [b"#!/bin/sh\n"], id="something else before the first frame"),
        pytest.param(b"BW\xf7\x01" * 500, [], [b"BW\xf7\x01" * 500], id="nothing but beginnings of frames"),
    ],
)
def test_a_segment_whose_writer_is_gone(tmp_path: Path, content: bytes, seqs: list[int], hurt: list[bytes]) -> None:
    path = tmp_path / "1.seg"
    path.write_bytes(content)
    got, damage = read_all(path)
    assert got == seqs
    assert [one.data for one in damage] == hurt


def test_a_long_stretch_of_damage_is_passed_in_bounded_pieces(tmp_path: Path) -> None:
    path = tmp_path / "1.seg"
    path.write_bytes(ONE + b"\xee" * (MAX_PAYLOAD * 5) + TWO)
    seqs, damage = read_all(path)
    assert seqs == [1, 2]
    assert b"".join(one.data for one in damage) == b"\xee" * (MAX_PAYLOAD * 5)
    assert max(len(one.data) for one in damage) <= MAX_PAYLOAD * 2


def test_many_frames_cut_by_the_reads_all_come_once(tmp_path: Path) -> None:
    path = tmp_path / "1.seg"
    path.write_bytes(b"".join(frame(seq) for seq in range(1, 1501)))
    seqs, damage = read_all(path)
    assert seqs == list(range(1, 1501))
    assert damage == []


@pytest.mark.parametrize("rest", [ZEROS, TWO[:50] + ZEROS, b"\xee" * 50], ids=["nothing", "half a frame", "noise"])
def test_what_does_not_decode_while_the_writer_lives_is_waited_for(tmp_path: Path, rest: bytes) -> None:
    path = tmp_path / "1.seg"
    path.write_bytes(ONE + rest)
    fd = os.open(path, os.O_RDWR)
    fcntl.flock(fd, fcntl.LOCK_EX)
    first = read_chunk(path, 0)
    assert [placed.stamped.seq for placed in first.frames] == [1]
    again = read_chunk(path, first.end)
    assert (again.frames, again.end, again.finished, again.damage) == ((), len(ONE), False, None)
    os.pwrite(fd, TWO, len(ONE))
    assert [placed.stamped.seq for placed in read_chunk(path, first.end).frames] == [2]
    os.close(fd)


def test_damaged_bytes_are_kept_for_their_owner_only_and_once(tmp_path: Path) -> None:
    for _ in range(2):
        path = quarantine(tmp_path / "corrupt", "1.seg", Damage(7, b"abc"))
    assert path.read_bytes() == b"abc"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list((tmp_path / "corrupt").iterdir()) == [path]
