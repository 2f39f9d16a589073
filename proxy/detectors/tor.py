"""Tor: the first cell of a connection between relays, and a snowflake's."""

from __future__ import annotations

from proxy.detectors.signature import Signature, number, prefix

_VERSIONS = b"\0\0\x07"  # circuit 0, command 7 (tor-spec, "VERSIONS cells")
_LENGTHS = range(2, 33, 2)  # two bytes a version
_NEWEST = 15

#: How a snowflake's stream over WebSocket begins (turbotunnel's token).
_TURBOTUNNEL = b"\x12\x93\x60\x5d\x27\x81\x75\xf5"


def _versions(data: bytes) -> bool | None:
    if not _VERSIONS.startswith(data[:3]):
        return False
    length = number(data, 3, 2)
    if length is not None and length not in _LENGTHS:
        return False
    version = number(data, 5, 2)
    return None if version is None else 0 < version <= _NEWEST


SIGNATURES = (Signature("bypass.tor", _versions), Signature("bypass.tor", prefix(_TURBOTUNNEL)))
