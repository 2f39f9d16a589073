"""OpenVPN over TCP: the first packet of either side, plain, with tls-auth, with tls-crypt and tls-crypt-v2.

On TCP a packet has its length before it. It begins with an opcode and a key id of 0, and a session id of eight bytes.
What follows has no names, but fixed places: numbers of acknowledged packets, and of the packet itself.
"""

from __future__ import annotations

from proxy.detectors.signature import Signature, number

_CLIENT_RESET, _CLIENT_RESET_V3, _SERVER_RESET = 0x38, 0x50, 0x40

#: Behind the session id: what a packet acknowledges, and its own number, 0.
_CLIENT_REST = bytes(5)  # it acknowledges nothing
_SERVER_REST = b"\x01" + bytes(4)  # one packet, number 0; the client's session id and the packet's own number follow
_PLAIN = {_CLIENT_RESET: 14, _SERVER_RESET: 26}  # length of a packet without protection

#: tls-auth puts a checksum before a number of its own and the time: of MD5, SHA-1, SHA-2 with 224 to 512 bits.
_CHECKSUMS = (16, 20, 28, 32, 48, 64)
_STAMP = 8
_FIRST = b"\0\0\0\x01"

#: tls-crypt numbers packets too, from 1; from version 2.6 on a high byte says that cookies are understood.
_FIRST_CRYPTED = frozenset({_FIRST, b"\x0f\0\0\x01"})
_CRYPTED_LEAST = 54
_CRYPTED_MOST = 2048
_SINCE_2020 = 0x5E

_SESSION_END = 11


def _openvpn(data: bytes) -> bool | None:
    length, opcode = number(data, 0, 2), number(data, 2, 1)
    if length is not None and not 14 <= length <= _CRYPTED_MOST:
        return False
    if length is None or opcode is None:
        return None
    if opcode not in (_CLIENT_RESET, _CLIENT_RESET_V3, _SERVER_RESET):
        return False
    if length == _PLAIN.get(opcode):
        return _rest(data, _SESSION_END, opcode)
    told = [_crypted(data, length), _authenticated(data, length, opcode)]
    return True if True in told else None if None in told else False


def _rest(data: bytes, start: int, opcode: int) -> bool | None:
    expected = _CLIENT_REST if opcode == _CLIENT_RESET else _SERVER_REST
    piece = data[start : start + len(expected)]
    if not expected.startswith(piece):
        return False
    return True if len(piece) == len(expected) else None


def _crypted(data: bytes, length: int) -> bool | None:
    """Number and time stand behind the session id; the rest is encrypted."""
    if length < _CRYPTED_LEAST:
        return False
    first, time = data[_SESSION_END : _SESSION_END + 4], number(data, _SESSION_END + 4, 1)
    if not any(one.startswith(first) for one in _FIRST_CRYPTED):
        return False
    return None if time is None else time >= _SINCE_2020


def _authenticated(data: bytes, length: int, opcode: int) -> bool | None:
    """A checksum stands behind the session id, then number and time, then the packet as without tls-auth."""
    size = length - _PLAIN.get(opcode, 0) - _STAMP
    if opcode not in _PLAIN or size not in _CHECKSUMS:
        return False
    stamp = _SESSION_END + size
    if not _FIRST.startswith(data[stamp : stamp + 4]):
        return False
    return _rest(data, stamp + _STAMP, opcode)


SIGNATURES = (Signature("bypass.vpn", _openvpn),)
