"""Peer-to-peer file sharing that is neither BitTorrent nor IPFS: by its first bytes, and Gnutella's downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy import reasons
from proxy.detectors.signature import Signature, all_of, among, at, prefix
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_GNUTELLA = "p2p.gnutella"
_DOWNLOAD = Match(_GNUTELLA, reasons.title_of(_GNUTELLA), "p2p")

#: Longest command of NMDC that is waited for, and longest name of a user of Soulseek, in bytes.
_COMMAND_CAP = 256
_NAME_CAP = 64

_NMDC = prefix(b"$Lock ", b"$MyNick ", b"$Supports ")
_PEER_KINDS = frozenset({b"P", b"F", b"D"})

#: A length of less than 64 KiB, little-endian, and the opcode of a first message (eMule's opcodes.h: OP_HELLO).
_ED2K = all_of(among(0, b"\xe3\xc5\xd4"), at(3, b"\0\0\x01"))


def _direct_connect(data: bytes) -> bool | None:
    """Recognise a command of NMDC, which ends in a bar: a line of a chat may begin like one."""
    begins = _NMDC(data)
    if not begins:
        return begins
    if b"|" in data[:_COMMAND_CAP]:
        return True
    return None if len(data) < _COMMAND_CAP else False


def _soulseek(data: bytes) -> bool | None:
    """Recognise what Soulseek sends first: LOGIN to its server, or PeerInit to a peer. Numbers are little-endian."""
    length = int.from_bytes(data[:4], "little")
    if len(data) >= 4 and not 10 <= length <= 1024:
        return False
    if len(data) < 5:
        return None
    if data[4] != 1:
        return False
    login = _login(data)
    peer = _peer_init(data, length)
    return True if True in (login, peer) else None if None in (login, peer) else False


def _login(data: bytes) -> bool | None:
    """Message 1: user name, password, and more."""
    if not b"\0\0\0".startswith(data[5:8]):
        return False
    name, end = _text(data, 8)
    if not name:
        return name
    password, _ = _text(data, end)
    return password


def _peer_init(data: bytes, length: int) -> bool | None:
    """Message 1 in one byte: user name, kind of connection, token."""
    name, end = _text(data, 5)
    if not name:
        return name
    kind = data[end : end + 5]
    if not b"\x01\0\0\0".startswith(kind[:4]) or (kind[4:] and kind[4:] not in _PEER_KINDS):
        return False
    if len(kind) < 5:
        return None
    return length == end + 5  # the token's four bytes more, and less the length's own four


def _text(data: bytes, start: int) -> tuple[bool | None, int]:
    """Say whether a text of printable characters with its length before it stands there, and where it ends."""
    length = int.from_bytes(data[start : start + 4], "little")
    if len(data) < start + 4:
        return None, start
    end = start + 4 + length
    text = data[start + 4 : end]
    if not 0 < length <= _NAME_CAP or any(not 0x20 <= byte < 0x7F for byte in text):
        return False, end
    return (True if len(text) == length else None), end


SIGNATURES = (
    Signature("p2p.ed2k", _ED2K, certain=False),  # five bytes, as MessagePack too may begin
    Signature(_GNUTELLA, prefix(b"GNUTELLA CONNECT/", b"GNUTELLA/0.")),
    Signature("p2p.direct-connect", _direct_connect),
    Signature("p2p.direct-connect", prefix(b"HSUP AD", b"CSUP AD", b"ISUP AD")),  # ADC, section 5.3.1
    Signature("p2p.other", prefix(b"\x2e\xa7\xd9\x0b", b"\x9e\x79\xbc\x40")),  # Syncthing: peers, relays
    Signature("p2p.other", prefix(b"BSYNC\0")),  # Resilio Sync
    Signature("p2p.other", prefix(b"\x0eSwarm protocol")),  # Delivery Optimization between peers
    Signature("p2p.other", _soulseek, certain=False),  # lengths and texts, as a game signs in
)


def request(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a file that is asked for by its hash (HUGE, section 2.2)."""
    asked = facts.path.startswith("/uri-res/") and facts.query.lower().startswith(("urn:sha1:", "urn:bitprint:"))
    return _DOWNLOAD if asked else None
