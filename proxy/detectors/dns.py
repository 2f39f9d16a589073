"""DNS over TCP, where a tunnel or TLS carries it: a query with its length before it (RFC 1035, 4.2.2; RFC 7858)."""

from __future__ import annotations

from proxy.detectors.signature import Signature, all_of, among, at, number

_QUESTION = 14  # where it begins, behind length and header
_LENGTHS = range(17, 513)  # of queries, padded ones too (RFC 8467, section 4.1)
_LABEL_MOST, _NAME_MOST = 63, 255
_CLASSES = frozenset({1, 3, 255})

#: Flags of an ordinary query, one question, no answers, at most EDNS and a signature (RFC 6891, RFC 8945).
_HEADER = all_of(among(4, b"\0\x01"), among(5, b"\0\x10\x20\x30"), at(6, b"\0\x01\0\0\0\0\0"), among(13, b"\0\x01\x02"))


def _query(data: bytes) -> bool | None:
    length, header = number(data, 0, 2), _HEADER(data)
    if header is False or (length is not None and length not in _LENGTHS):
        return False
    end = _name_end(data)
    if end is None or length is None or header is None:
        return None
    kind, of = number(data, end, 2), number(data, end + 2, 2)
    if not end or kind == 0 or of not in (None, *_CLASSES):
        return False
    if of is None:
        return None
    whole = end + 4 - 2
    return whole <= length if data[13] else whole == length


def _name_end(data: bytes) -> int | None:
    """Say where the name in the question ends: 0 where it is none, None where it has not all come."""
    place = _QUESTION
    while (size := number(data, place, 1)) is not None:
        label = data[place + 1 : place + 1 + size]
        if size > _LABEL_MOST or place - _QUESTION > _NAME_MOST or any(not 0x21 <= byte < 0x7F for byte in label):
            return 0
        place += 1 + size
        if not size:
            return place
    return None


SIGNATURES = (Signature("bypass.dns", _query),)
