"""The framing of records in a spool segment: magic, length, CRC-32, then msgpack. Pure; no files.

A segment is preallocated with zeros, so a zero where a frame should start means "nothing more yet". The magic lets a
reader find the next good frame behind a damaged one: a bad sector costs the records in it, not the rest.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgpack

from usage_log.record import DecisionRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

#: "BW", a byte that is not text, and the version of the frame.
MAGIC: Final = b"BW\xf7\x01"
HEADER: Final = struct.Struct(">4sII")  # magic, bytes of payload, CRC-32 of the payload

#: Longest text kept of a field, in characters: a path as RequestFacts caps it, the rest shorter. Longer text is cut.
PATH_CAP: Final = 4096
TEXT_CAP: Final = 256
DETAIL_CAP: Final = 512
_CUT: Final = "…"

#: No frame of ours is longer: every text at its cap, six bytes for each character (`\udcff`).
MAX_PAYLOAD: Final = 64 * 1024

#: 9999-12-31T23:59:59Z in microseconds: what datetime can still show.
_LAST_TIME: Final = 253_402_300_799_000_000
_CAPS: Final = {"path": PATH_CAP, "detail": DETAIL_CAP}


class BadFrame(Exception):
    """The bytes are not a frame of ours: torn by a kill in the write, or damaged on the disk."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """A record as a spool took it. `seq` counts from 1 without gaps per (node, worker, boot)."""

    node: str
    worker: int
    boot: int  # Unix time in microseconds at which the worker started
    seq: int
    record: DecisionRecord


def _kind(annotation: str) -> tuple[type, ...]:
    base = int if annotation.startswith("int") else str
    return (base, type(None)) if "None" in annotation else (base,)


_STAMP_KINDS: Final[tuple[tuple[type, ...], ...]] = ((str,), (int,), (int,), (int,))
_KINDS: Final = _STAMP_KINDS + tuple(_kind(str(field.type)) for field in fields(DecisionRecord))
_NAMES: Final = tuple(field.name for field in fields(DecisionRecord))
_LIMITS: Final = tuple(_CAPS.get(name, TEXT_CAP) for name in _NAMES)
_VALUES: Final = attrgetter(*_NAMES)
_TIME: Final = len(_STAMP_KINDS) + _NAMES.index("time")


def encode(stamped: Stamped) -> bytes:
    """Return one frame. Text that is no UTF-8 (lone surrogates) is escaped, never refused: the client chose it."""
    record = [_cut(value, limit) for value, limit in zip(_VALUES(stamped.record), _LIMITS, strict=True)]
    values = [stamped.node, stamped.worker, stamped.boot, stamped.seq, *record]
    payload: bytes = msgpack.packb(values, unicode_errors="backslashreplace")
    return HEADER.pack(MAGIC, len(payload), zlib.crc32(payload)) + payload


def _cut(value: Any, limit: int) -> Any:
    return value[: limit - 1] + _CUT if isinstance(value, str) and len(value) > limit else value


def frame_end(buffer: bytes | memoryview, start: int) -> int:
    """Return where the frame at `start` ends. Raises BadFrame when there is no whole, undamaged frame."""
    if start + HEADER.size > len(buffer):
        raise BadFrame("cut in its header")
    magic, length, crc = HEADER.unpack_from(buffer, start)
    if magic != MAGIC or length > MAX_PAYLOAD:
        raise BadFrame("no frame starts here")
    first = start + HEADER.size
    if first + length > len(buffer):
        raise BadFrame("cut in its payload")
    if zlib.crc32(buffer[first : first + length]) != crc:
        raise BadFrame("its checksum does not fit")
    return int(first + length)


def decode(buffer: bytes, start: int = 0) -> tuple[Stamped, int]:
    """Return the record of the frame at `start` and where the frame ends. Raises BadFrame on anything else."""
    end = frame_end(buffer, start)
    try:
        values = msgpack.unpackb(buffer[start + HEADER.size : end], max_array_len=len(_KINDS), max_map_len=0)
    except (ValueError, msgpack.exceptions.UnpackException) as error:
        raise BadFrame("its payload is no msgpack") from error
    _check(values)
    node, worker, boot, seq = values[: len(_STAMP_KINDS)]
    return Stamped(node, worker, boot, seq, DecisionRecord(*values[len(_STAMP_KINDS) :])), end


def _check(values: Sequence[Any]) -> None:
    if not isinstance(values, list) or len(values) != len(_KINDS):
        raise BadFrame("it does not hold the fields of a record")
    for value, kinds in zip(values, _KINDS, strict=True):
        if type(value) not in kinds or (type(value) is int and not -(2**63) <= value < 2**63):
            raise BadFrame("a field has the wrong type")
    if not 0 <= values[_TIME] <= _LAST_TIME:
        raise BadFrame("its time is outside the calendar")


def next_frame(buffer: bytes, start: int) -> int | None:
    """Return where the next readable frame at or behind `start` begins, or None."""
    while (found := buffer.find(MAGIC, start)) >= 0:
        try:
            decode(buffer, found)
        except BadFrame:
            start = found + 1
        else:
            return found
    return None
