"""What the first bytes behind CONNECT, or inside TLS, begin: TLS, HTTP, or what is refused.

Only what is TLS or HTTP goes further, so nothing has to be known about anything else (reference/bypass-and-p2p.md,
section C). Stock looks at three bytes, and relays raw what it cannot name.
"""

from __future__ import annotations

import re
from enum import Enum, auto

#: The first line of a request is judged whole up to this size, in bytes; a longer one is left to the parser.
LINE_CAP = 4096

#: RFC 9113, section 3.4: how HTTP/2 begins.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

#: RFC 8446, section 5.1: a handshake record of any version 3.x.
_HANDSHAKE = b"\x16\x03"

#: Methods that need no look at the rest of their line: RFC 9110, 5789 and 4918 (WebDAV), with those of its extensions.
_METHODS = frozenset(
    b"GET HEAD POST PUT DELETE PATCH OPTIONS TRACE CONNECT PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK SEARCH "
    b"REPORT MKCALENDAR ACL BIND CHECKIN CHECKOUT MERGE QUERY".split()
)
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_VERSION = re.compile(rb" HTTP/([0-9]\.[0-9])\r?\Z")


class Beginning(Enum):
    """What a stream of bytes begins."""

    MORE = auto()  # it may still be TLS or HTTP
    TLS = auto()
    HTTP = auto()
    UNKNOWN = auto()


def beginning_of(data: bytes, *, inside_tls: bool = False, http2: bool = False) -> Beginning:
    """Say what `data` begins. `http2`: the two sides agreed on HTTP/2 (ALPN), so nothing else may come."""
    if http2:
        return _of_preface(data)
    if not inside_tls and (data[:2] == _HANDSHAKE or _HANDSHAKE.startswith(data[:2])):
        return Beginning.TLS if len(data) > len(_HANDSHAKE) else Beginning.MORE
    return _of_line(data)


def _of_preface(data: bytes) -> Beginning:
    if not data:
        return Beginning.MORE
    return Beginning.HTTP if _PREFACE.startswith(data[: len(_PREFACE)]) else Beginning.UNKNOWN


def _of_line(data: bytes) -> Beginning:
    """Recognise a request line: a method that is known, or any where the line says HTTP/1 at its end."""
    come = data[:LINE_CAP].removeprefix(b"\r\n")  # RFC 9112, section 2.2: one empty line is passed over
    if come in (b"", b"\r"):
        return Beginning.MORE
    line, ended, _ = come.partition(b"\n")
    method, space, target = line.partition(b" ")
    if _CONTROL.search(line) or not _TOKEN.fullmatch(method):
        return Beginning.UNKNOWN
    if ended:
        return Beginning.HTTP if space and _says_http(line, method) else Beginning.UNKNOWN
    if target and method in _METHODS:
        return Beginning.HTTP
    return Beginning.MORE if len(data) < LINE_CAP else Beginning.UNKNOWN


def _says_http(line: bytes, method: bytes) -> bool:
    """Tell whether a whole line ends in a version: of HTTP/1 where its method is nobody's."""
    said = _VERSION.search(line)
    return said is not None and (method in _METHODS or said[1].startswith(b"1."))
