"""The framing of records in a spool segment: magic, length, CRC-32, then msgpack. Pure; no files.

A segment is preallocated with zeros, so a zero where a frame should start means "nothing more yet". The magic lets a
reader find the next good frame behind a damaged one: a bad sector costs the records in it, not the rest.
"""

from __future__ import annotations

import struct
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, Final, Self
from zlib import crc32

import msgpack

from usage_log.record import LISTS, DecisionRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

#: "BW", a byte that is not text, and the version of the frame.
MAGIC: Final = b"BW\xf7\x01"
HEADER: Final = struct.Struct(">4sII")  # magic, bytes of payload, CRC-32 of the payload

#: Longest text kept of a field, in characters: a path as RequestFacts caps it, the rest shorter. Longer text is cut.
PATH_CAP: Final = 4096
TEXT_CAP: Final = 256
DETAIL_CAP: Final = 512
ACT_CAP: Final = PATH_CAP  # of the detail of an act, which has no path: counts for each category stand in it
_CUT: Final = "…"

#: Fields at the end of a record that the version before this one does not write: at an upgrade its workers still run.
_NEW: Final = 1

#: No frame of ours is longer: every text at its cap, six bytes for each character (`\udcff`).
MAX_PAYLOAD: Final = 64 * 1024

#: 9999-12-31T23:59:59Z in microseconds: what datetime can still show.
_LAST_TIME: Final = 253_402_300_799_000_000
_CAPS: Final = {"path": PATH_CAP, "detail": DETAIL_CAP}


class BadFrame(Exception):
    """The bytes are not a frame of ours: torn by a kill in the write, or damaged on the disk."""


_STAMP_KINDS: Final[tuple[tuple[type, ...], ...]] = ((str,), (int,), (int,), (int,))
_NAMES: Final = tuple(field.name for field in fields(DecisionRecord))
_VALUES: Final = attrgetter(*_NAMES)


def row(node: str, worker: int, boot: int, seq: int, record: DecisionRecord) -> tuple[Any, ...]:
    """Return what a Stamped of these holds, as a plain tuple: that is made in half the time."""
    return (node, worker, boot, seq, *_VALUES(record))


class Stamped(tuple[Any, ...]):
    """A record as a spool took it: the row that lies in a frame and in a day file, so that nobody has to copy it.

    node, worker, boot (Unix time in microseconds at which the worker started), seq, which counts from 1 without gaps
    per (node, worker, boot), and then the fields of the record, in their order.
    """

    __slots__ = ()

    def __new__(cls, node: str, worker: int, boot: int, seq: int, record: DecisionRecord) -> Self:
        """Stamp a record."""
        return cls.of_row(row(node, worker, boot, seq, record))

    @classmethod
    def of_row(cls, values: Sequence[Any]) -> Self:
        """Take the values of a row, known to be well typed."""
        return tuple.__new__(cls, values)

    node, worker, boot, seq = (property(itemgetter(place)) for place in range(4))

    @property
    def record(self) -> DecisionRecord:
        """The record, made anew at each call."""
        return DecisionRecord(*self[len(_STAMP_KINDS) :])


def column(name: str) -> int:
    """Return where a field of the record stands in a row."""
    return len(_STAMP_KINDS) + _NAMES.index(name)


def _kind(annotation: str) -> tuple[type, ...]:
    base = int if annotation.startswith("int") else str
    return (base, type(None)) if "None" in annotation else (base,)


_KINDS: Final = _STAMP_KINDS + tuple(_kind(str(field.type)) for field in fields(DecisionRecord))
_LIMITS: Final = (*(2**63 for _ in _STAMP_KINDS), *(_CAPS.get(name, TEXT_CAP) for name in _NAMES))
_EVENT, _PATH, _DETAIL, TIME = column("event"), column("path"), column("detail"), column("time")
_ACT_LIMITS: Final = (*_LIMITS[:_DETAIL], ACT_CAP, *_LIMITS[_DETAIL + 1 :])
_INTEGERS: Final = itemgetter(*(place for place, kinds in enumerate(_KINDS) if int in kinds))


def encode(stamped: tuple[Any, ...]) -> bytes:
    """Return a row's frame. Text that is no UTF-8 (lone surrogates) is escaped, never refused: the client chose it."""
    payload = _packed(stamped)
    path, detail = len(stamped[_PATH]), len(stamped[_DETAIL] or "")
    # a character is a byte at least: what has TEXT_CAP bytes beside path and detail holds no text that is too long
    if path > PATH_CAP or detail > DETAIL_CAP or len(payload) - path - detail > TEXT_CAP:
        limits = _ACT_LIMITS if stamped[_EVENT] == LISTS and not path else _LIMITS
        payload = _packed([_cut(value, limit) for value, limit in zip(stamped, limits, strict=True)])
    return HEADER.pack(MAGIC, len(payload), crc32(payload)) + payload


def _packed(values: Sequence[Any]) -> bytes:
    packed: bytes = msgpack.packb(values, unicode_errors="backslashreplace")
    return packed


def _cut(value: Any, limit: int) -> Any:
    return value[: limit - 1] + _CUT if isinstance(value, str) and len(value) > limit else value


def _payload(buffer: bytes, start: int) -> bytes:
    """Return what the frame at `start` holds. Raises BadFrame when there is no whole, undamaged frame."""
    if start + HEADER.size > len(buffer):
        raise BadFrame("cut in its header")
    magic, length, crc = HEADER.unpack_from(buffer, start)
    if magic != MAGIC or length > MAX_PAYLOAD:
        raise BadFrame("no frame starts here")
    first = start + HEADER.size
    payload = buffer[first : first + length]
    if len(payload) < length:
        raise BadFrame("cut in its payload")
    if crc32(payload) != crc:
        raise BadFrame("its checksum does not fit")
    return payload


def decode(buffer: bytes, start: int = 0) -> tuple[Stamped, int]:
    """Return the record of the frame at `start` and where the frame ends. Raises BadFrame on anything else."""
    payload = _payload(buffer, start)
    try:
        values = msgpack.unpackb(payload, max_array_len=len(_KINDS), max_map_len=0)
    except (ValueError, msgpack.exceptions.UnpackException) as error:
        raise BadFrame("its payload is no msgpack") from error
    if isinstance(values, list) and len(values) == len(_KINDS) - _NEW:
        values.append(None)
    _check(values)
    return Stamped.of_row(values), start + HEADER.size + len(payload)


def _check(values: Sequence[Any]) -> None:
    if not isinstance(values, list) or len(values) != len(_KINDS):
        raise BadFrame("it does not hold the fields of a record")
    if not _well_typed(tuple(map(type, values))) or max(_INTEGERS(values)) >= 2**63:
        raise BadFrame("a field has the wrong type")
    if not 0 <= values[TIME] <= _LAST_TIME:
        raise BadFrame("its time is outside the calendar")


@lru_cache(1024)  # few fields may be absent, and few combinations of absent ones occur
def _well_typed(types: tuple[type, ...]) -> bool:
    return all(one in kinds for one, kinds in zip(types, _KINDS, strict=True))


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
