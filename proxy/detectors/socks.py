"""SOCKS 4, 4a and 5, by what a client says first.

In a WebSocket a greeting, or SOCKS 4 with an address, is too little to go by: any few small numbers look like it.
"""

from __future__ import annotations

from proxy.detectors.signature import Signature, at, number

_USER_CAP = _NAME_CAP = 255

#: Methods of authentication that are assigned (RFC 1928, section 3), and private ones.
_METHODS = frozenset({*range(10), *range(0x80, 0xFF)})
_METHODS_MOST = 16
_PASSWORD = 2
_COMMANDS, _KINDS, _NAME = frozenset({1, 2, 3}), frozenset({1, 3, 4}), 3
_SIZES = {1: 4, 4: 16}  # of addresses, in bytes, by kind

_UNKNOWN = at(4, b"\0\0\0")  # SOCKS 4a: the client could not resolve the name


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


def _socks4a(data: bytes) -> bool | None:
    """The same to an address that is none, 0.0.0.x, and behind the user the name that is meant, up to a zero."""
    told = _UNKNOWN(data)
    asks = _socks4(data)
    if told is False or asks is False or number(data, 7, 1) == 0:
        return False
    if not told or not asks:
        return None
    name, end, _ = data[data.index(b"\0", 8) + 1 :][:_NAME_CAP].partition(b"\0")
    if any(not 0x21 <= byte < 0x7F for byte in name):
        return False
    if end:
        return b"." in name
    return None if len(name) < _NAME_CAP else False


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
    """A greeting, and behind it, as both are the client's, a request, or a name and password (RFC 1929) and that."""
    greets = _greeting(data)
    if not greets:
        return greets
    start = 2 + data[1]
    methods = data[2:start]
    if len(set(methods)) < len(methods):  # zeros, mostly, of something else
        return False
    if data[start : start + 1] == b"\x01" and _PASSWORD in methods:
        name = number(data, start + 1, 1)
        password = number(data, start + 2 + (name or 0), 1)
        if name is None or password is None:
            return None
        start += 3 + name + password
    return _request(data, start)


def _request(data: bytes, start: int) -> bool | None:
    """Version, command, zero, kind of address, address, port (RFC 1928, section 4)."""
    version, command, zero, kind = (number(data, start + place, 1) for place in range(4))
    if version not in (None, 5) or command not in {None, *_COMMANDS} or zero not in (None, 0):
        return False
    if kind not in {None, *_KINDS}:
        return False
    address = start + 4
    size = number(data, address, 1) if kind == _NAME else _SIZES.get(kind or 0)
    if kind is None or size is None:
        return None
    if kind == _NAME:
        address += 1
        if any(not 0x21 <= byte < 0x7F for byte in data[address : address + size]):
            return False
    port = number(data, address + size, 2)
    return None if port is None else port > 0


SIGNATURES = (
    Signature("bypass.socks", _socks4a),
    Signature("bypass.socks", _socks4, certain=False),
    Signature("bypass.socks", _greeting_and_request),
    Signature("bypass.socks", _greeting, certain=False),
)
