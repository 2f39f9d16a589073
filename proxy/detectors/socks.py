"""SOCKS 4, 4a and 5, by what a client says first. In a WebSocket a greeting alone is too little to go by."""

from __future__ import annotations

from proxy.detectors.signature import Signature, number

_USER_CAP = 255

#: Methods of authentication that are assigned (RFC 1928, section 3), and private ones.
_METHODS = frozenset({*range(10), *range(0x80, 0xFF)})
_METHODS_MOST = 16
_COMMANDS, _KINDS = frozenset({1, 2, 3}), frozenset({1, 3, 4})


def _socks4(data: bytes) -> bool | None:
    """Version, command, port, address, and the user's name up to a zero."""
    command, port = number(data, 1, 1), number(data, 2, 2)
    if data[:1] not in (b"", b"\x04") or command not in (None, 1, 2) or port == 0:
        return False
    user, end, _ = data[8 : 8 + _USER_CAP].partition(b"\0")
    if any(not 0x20 <= byte < 0x7F for byte in user):
        return False
    if end:
        return True
    return None if len(user) < _USER_CAP else False


def _greeting(data: bytes) -> bool | None:
    """Version, how many methods, and each."""
    count = number(data, 1, 1)
    if data[:1] not in (b"", b"\x05") or (count is not None and not 0 < count <= _METHODS_MOST):
        return False
    methods = data[2 : 2 + (count or 0)]
    if any(method not in _METHODS for method in methods):
        return False
    return True if count is not None and len(methods) == count else None


def _greeting_and_request(data: bytes) -> bool | None:
    """What follows a greeting: a name and password (RFC 1929), or version, command, zero and a kind of address."""
    greets = _greeting(data)
    if not greets:
        return greets
    start = 2 + data[1]
    version, command, zero, kind = (number(data, start + place, 1) for place in range(4))
    if version == 1:
        return None if command is None else command > 0
    if version not in (None, 5) or zero not in (None, 0):
        return False
    if command not in {None, *_COMMANDS} or kind not in {None, *_KINDS}:
        return False
    return None if kind is None else True


SIGNATURES = (
    Signature("bypass.socks", _socks4),
    Signature("bypass.socks", _greeting_and_request),
    Signature("bypass.socks", _greeting, certain=False),
)
