"""DNS queries (RFC 1035, section 4) as encrypted DNS carries them over HTTP: recognised, and nothing is resolved."""

from __future__ import annotations

import base64
import binascii

#: Longest query that is looked at, in bytes: clients pad theirs to a multiple of 128 (RFC 8467, section 4.1).
QUERY_CAP = 2048

_HEADER, _LABEL_CAP, _NAME_CAP = 12, 63, 255
_QUESTION_TAIL, _RECORD_TAIL = 4, 10  # type and class; and time to live, and the length of the data

#: A header, and the shortest question: the root, its type and its class.
_LEAST = _HEADER + 1 + _QUESTION_TAIL

#: QR and opcode: zero in a query. Servers take no notice of the other flags.
_IS_NO_QUERY = 0xF8

#: One question, no answer, no authority; of additional records OPT and a signature at most.
_COUNTS, _MOST_ADDITIONAL = b"\0\1\0\0\0\0\0", 2

#: The internet, and any (RFC 1035, section 3.2.5): no other class has names of sites.
_CLASSES = (b"\0\1", b"\0\xff")


class _NoName(Exception):
    """These bytes are no question about a domain name."""


def is_query(data: bytes) -> bool | None:
    """Say whether `data` begins with a whole DNS query; servers read past what follows. None: it may become one."""
    data = data[:QUERY_CAP]
    if not _may_be_header(data):
        return False
    if len(data) < _LEAST:
        return None
    try:
        end = _end(data)
    except _NoName:
        return False
    if end is not None and end <= len(data):
        return True
    return None if len(data) < QUERY_CAP else False


def encoded_query(text: str) -> bool:
    """Tell whether `text` begins as a DNS query in base64url, as RFC 8484 says; other base64 is read as well."""
    plain = text[: QUERY_CAP * 4 // 3].translate(_TO_BASE64).rstrip("=")
    whole = plain[: len(plain) // 4 * 4] if len(plain) % 4 == 1 else plain
    try:
        data = base64.b64decode(whole + "=" * (-len(whole) % 4), validate=True)
        asked = _after_name(data, _HEADER) if len(data) >= _LEAST and _may_be_header(data) else None
    except (binascii.Error, ValueError, _NoName):
        return False
    return asked is not None and asked + _QUESTION_TAIL <= len(data)


_TO_BASE64 = str.maketrans("-_ ", "+/+")


def _may_be_header(data: bytes) -> bool:
    """As far as the header has come."""
    counts = data[4:_HEADER]
    return (
        (len(data) < 3 or not data[2] & _IS_NO_QUERY)
        and _COUNTS.startswith(counts[: len(_COUNTS)])
        and (len(counts) <= len(_COUNTS) or counts[-1] <= _MOST_ADDITIONAL)
    )


def _end(data: bytes) -> int | None:
    """Give the place behind the whole message; None where that has not come. Raises _NoName."""
    at = _after_name(data, _HEADER)
    end = None if at is None else at + _QUESTION_TAIL
    if not _may_be_asked(data[end - _QUESTION_TAIL : end] if end else b""):
        raise _NoName
    for _ in range(data[_HEADER - 1]):
        end = None if end is None else _after_record(data, end)
    return end


def _may_be_asked(tail: bytes) -> bool:
    """As far as type and class have come. Other formats that begin like a header have zeros here."""
    return len(tail) < _QUESTION_TAIL or (tail[:2] != b"\0\0" and tail[2:] in _CLASSES)


def _after_name(data: bytes, at: int) -> int | None:
    """Give the place behind a name; None where its end has not come.

    A query has nothing to point back to (RFC 1035, section 4.1.4). Raises _NoName.
    """
    begin = at
    while at < len(data):
        size = data[at]
        if size == 0:
            return at + 1
        at += 1 + size
        if size > _LABEL_CAP or at - begin >= _NAME_CAP:
            raise _NoName
    return None


def _after_record(data: bytes, at: int) -> int | None:
    """Give the place behind a record, which may be behind the end of what has come. Raises _NoName."""
    after = _after_name(data, at)
    if after is None:
        return None
    behind = after + _RECORD_TAIL
    return behind + int.from_bytes(data[behind - 2 : behind]) if behind <= len(data) else None
