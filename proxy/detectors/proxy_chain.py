"""A proxy behind the proxy: its requests, and the line by which proxies tell whose connection it was."""

from __future__ import annotations

import re

from proxy.detectors.signature import Signature, prefix

_CONNECT = b"CONNECT "
_TARGET = re.compile(rb"CONNECT (?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z_.-]{1,255}):[0-9]{1,5} HTTP/1\.[01]\r?\n")
_LINE_CAP = 300


def _connect(data: bytes) -> bool | None:
    """Recognise the method where an authority follows; AnyConnect's has a path (vpn.py)."""
    if not _CONNECT.startswith(data[: len(_CONNECT)]):
        return False
    return data[len(_CONNECT) :][:1] != b"/" if len(data) > len(_CONNECT) else None


def _connect_line(data: bytes) -> bool | None:
    """Recognise the whole line. A frame of STOMP begins with the same word, and a line feed behind it."""
    if not _connect(data):
        return _connect(data)
    if _TARGET.match(data):
        return True
    return None if b"\n" not in data[:_LINE_CAP] and len(data) < _LINE_CAP else False


SIGNATURES = (
    Signature("bypass.proxy-chain", _connect_line),
    Signature("bypass.proxy-chain", _connect, certain=False),
    Signature("bypass.proxy-chain", prefix(b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN\r")),
    Signature("bypass.proxy-chain", prefix(b"\r\n\r\n\0\r\nQUIT\n")),  # version 2 of it
)
