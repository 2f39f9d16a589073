"""A proxy behind the proxy: its requests, and the line by which proxies tell whose connection it was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy import reasons
from proxy.detectors.signature import Signature, prefix
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_REASON = reasons.PROXY_CHAIN
_MATCH = Match(_REASON, reasons.title_of(_REASON))

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
    Signature(_REASON, _connect_line),
    Signature(_REASON, _connect, certain=False),
    Signature(_REASON, prefix(b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN\r")),
    Signature(_REASON, prefix(b"\r\n\r\n\0\r\nQUIT\n")),  # version 2 of it
)


def request(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a request to a proxy inside a tunnel: for another host, with a field that only proxies are sent.

    wget sends that field through every tunnel, to the tunnel's own host. Another host alone is `address.mismatch`.
    """
    if facts.tunnel_host is None or "proxy-connection" not in facts.fields:
        return None
    elsewhere = facts.host_header not in (None, facts.host) or facts.host != facts.tunnel_host
    return _MATCH if elsewhere else None
