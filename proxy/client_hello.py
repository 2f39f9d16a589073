"""The name that a ClientHello asks for, read strictly: what contradicts its lengths, or says a thing twice, is none.

mitmproxy's parser is general: it makes some 550 calls for a hello of a browser, half of what a passed-through tunnel
costs. Here only what leads to the name is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

_RECORD_HEADER = 5  # RFC 8446, section 5.1: type, version, length
_MESSAGE_HEADER = 4  # section 4: type, length
_VERSION_AND_RANDOM = 34  # section 4.1.2
_SERVER_NAME = 0  # RFC 6066, section 3: the extension, and the one kind of name in it
_ALPN = 16  # RFC 7301, section 3.1
_CLIENT_HELLO = 1  # RFC 8446, section 4

#: Bytes of which a ClientHello is no more: with post-quantum key shares they come to some 2 KiB.
HELLO_CAP = 32 * 1024

#: Real ClientHellos come in one record, rarely two.
_RECORDS = 16


class MalformedHello(ValueError):
    """The bytes are no ClientHello."""


def is_whole(data: bytes | bytearray) -> bool:
    """Tell from the lengths alone whether a whole ClientHello has come (RFC 8446, sections 4 and 5.1).

    Parsing what has come so far at every segment would cost minutes of CPU for 32 KiB in one-byte records. Raises
    MalformedHello.
    """
    start, come = 0, 0
    for _ in range(_RECORDS):
        if not b"\x16\x03".startswith(data[start : start + 2]):
            raise MalformedHello("not a handshake record")
        least = 0 if start else _MESSAGE_HEADER  # the first record holds the message's own header
        if len(data) < start + _RECORD_HEADER + least:
            return False
        length = int.from_bytes(data[start + 3 : start + 5])
        if length < max(least, 1) or data[5] != _CLIENT_HELLO:
            raise MalformedHello("not a ClientHello")
        come += min(length, len(data) - start - _RECORD_HEADER)
        if come >= _MESSAGE_HEADER + int.from_bytes(data[6:9]):
            return True
        if len(data) > HELLO_CAP:
            raise MalformedHello("too large")
        start += _RECORD_HEADER + length
    raise MalformedHello("in too many records")


@dataclass(frozen=True, slots=True)
class Hello:
    """What a ClientHello says of where it goes."""

    name: str | None = None  # the host name it asks for, as sent; None where it asks for none
    alpn: tuple[bytes, ...] = ()  # the protocols it offers


def hello_of(records: bytes) -> Hello:
    """Give what a whole ClientHello says.

    `records` are TLS records from the first byte of the connection; what follows the message is not looked at.
    Raises MalformedHello.
    """
    hello = _message(records)
    at = _VERSION_AND_RANDOM
    for width in (1, 2, 1):  # session id, cipher suites, compression methods
        _, at = _vector(hello, at, width)
    if at == len(hello):
        return Hello()
    extensions, at = _vector(hello, at, 2)
    if at != len(hello):
        raise MalformedHello("bytes behind the extensions")
    return _said(extensions)


def _message(records: bytes) -> bytes:
    """Put the message together from its records."""
    message, at = b"", 0
    while len(message) < _MESSAGE_HEADER or len(message) < _MESSAGE_HEADER + int.from_bytes(message[1:4]):
        if records[at : at + 2] != b"\x16\x03":
            raise MalformedHello("not a handshake record")
        piece, at = _vector(records, at + _RECORD_HEADER - 2, 2)
        message += piece
    if message[0] != _CLIENT_HELLO:
        raise MalformedHello("not a ClientHello")
    return message[_MESSAGE_HEADER : _MESSAGE_HEADER + int.from_bytes(message[1:4])]


def _vector(data: bytes, at: int, width: int) -> tuple[bytes, int]:
    """Give what has its length before it in `width` bytes, and where it ends."""
    start = at + width
    end = start + int.from_bytes(data[at:start])
    if end > len(data) or start > len(data):
        raise MalformedHello("a length that is too large")
    return data[start:end], end


def _said(extensions: bytes) -> Hello:
    name: str | None = None
    alpn: tuple[bytes, ...] = ()
    seen, at = set(), 0
    while at < len(extensions):
        kind = extensions[at : at + 2]
        body, at = _vector(extensions, at + 2, 2)
        if kind in seen:
            raise MalformedHello("an extension twice")  # RFC 8446, section 4.2
        seen.add(kind)
        if int.from_bytes(kind) == _SERVER_NAME:
            name = _host_name(body)
        elif int.from_bytes(kind) == _ALPN:
            alpn = _protocols(body)
    return Hello(name, alpn)


def _protocols(body: bytes) -> tuple[bytes, ...]:
    """Give the names that are offered (RFC 7301, section 3.1)."""
    names, end = _vector(body, 0, 2)
    offered, at = [], 0
    while at < len(names):
        name, at = _vector(names, at, 1)
        offered.append(name)
    if end != len(body) or not all(offered):
        raise MalformedHello("not a list of protocols")
    return tuple(offered)


def _host_name(body: bytes) -> str:
    names, end = _vector(body, 0, 2)
    name, last = _vector(names, 1, 2)
    if end != len(body) or last != len(names) or names[0] != _SERVER_NAME or not name:
        raise MalformedHello("not one host name")
    try:
        return name.decode("ascii")
    except UnicodeDecodeError:
        raise MalformedHello("a host name that is not ASCII") from None
