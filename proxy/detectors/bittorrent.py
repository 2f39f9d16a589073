"""BitTorrent: peers by their handshake, trackers by what is told them. Encrypted peers (MSE) are unknown bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from proxy import reasons
from proxy.detectors.signature import Signature, prefix
from proxy.detectors.whole_target import whole_target
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_REASON = "p2p.bittorrent"
_MATCH = Match(_REASON, reasons.title_of(_REASON), "p2p")

#: BEP 3, "peer protocol": the length of the name, and the name. Behind CONNECT, inside TLS, in a WebSocket.
SIGNATURES = (Signature(_REASON, prefix(b"\x13BitTorrent protocol")),)

_HASH = re.compile(r"(?:^|&)info_hash=([^&]*)")
_PEER = re.compile(r"(?:^|&)(?:peer_id|port|piece|ranges)=")
_HASH_BYTES = 20  # SHA-1, or the beginning of a SHA-256: BEP 3, "trackers", and BEP 52

#: What a byte that is no UTF-8 has become in the facts. A client may send a hash without percent-encoding it.
_REPLACED = b"\xef\xbf\xbd"


def request(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise an announce (BEP 3), a scrape (BEP 48) or a seed over HTTP (BEP 17), at whatever host, port and path.

    An `info_hash` of 40 digits is a torrent's page on some site; one of 20 bytes that are no text is nothing else.
    """
    query = whole_target(facts)[1]
    if "info_hash=" not in query:
        return None
    whole = [value for value in map(unquote_to_bytes, _HASH.findall(query)) if _is_hash(value)]
    if not whole:
        return None
    told = _PEER.search(query) or "scrape" in facts.path or not all(map(_is_text, whole))
    return _MATCH if told else None


def _is_hash(value: bytes) -> bool:
    replaced = value.count(_REPLACED)
    length = len(value) - 2 * replaced  # each stands for one to three bytes
    return length == _HASH_BYTES or (bool(replaced) and length <= _HASH_BYTES <= length + 2 * replaced)


def _is_text(value: bytes) -> bool:
    return all(0x20 <= byte < 0x7F for byte in value)
