"""STUN and TURN over TCP, and what WebRTC sends where only TLS seems to get through."""

from __future__ import annotations

from proxy.detectors.signature import Signature, number, prefix

_COOKIE = b"\x21\x12\xa4\x42"  # RFC 8489, section 5
_HEADER = 20

#: libwebrtc's ssltcp: one SSL 2 ClientHello, the same each time, and then no TLS at all.
_PSEUDO_HELLO = bytes.fromhex("8046010301002d00000010010080")


def message(data: bytes) -> bool | None:
    """Type with two zero bits before it, a length of whole words, the cookie."""
    kind, length = number(data, 0, 2), number(data, 2, 2)
    if data[:1] > b"\x01" or kind == 0 or (length is not None and length % 4):
        return False
    if not _COOKIE.startswith(data[4:8]):
        return False
    return True if len(data) >= 8 else None


def _framed(data: bytes) -> bool | None:
    """The same with its length before it (RFC 4571), as candidates of ICE do over TCP."""
    length, inner = number(data, 0, 2), number(data, 4, 2)
    if length is not None and length < _HEADER:
        return False
    if length is not None and inner is not None and length != inner + _HEADER:
        return False
    return message(data[2:])


SIGNATURES = (
    Signature("bypass.turn", message),
    Signature("bypass.turn", _framed),
    Signature("bypass.turn", prefix(_PSEUDO_HELLO)),
)
