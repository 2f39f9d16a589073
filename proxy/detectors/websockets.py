"""Tunnels and trackers in WebSocket messages: wisp, bare, chisel, and the announces of WebTorrent.

Binary messages as such are nobody's fault: what is recognised here has a shape that nothing else has. Protocols that
are known by their first bytes wherever they occur (SSH, SOCKS, OpenVPN) are in opening.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy import reasons
from proxy.facts import Carrier
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_TUNNEL, _TORRENT = (
    Match(reason, reasons.title_of(reason)) for reason in ("bypass.websocket-tunnel", "p2p.bittorrent")
)

#: Wisp: packet type 1 (CONNECT), stream id, stream type 1 or 2 (TCP, UDP), port, host to the end of the message.
_WISP_HEAD = 8
_WISP_HOST = re.compile(
    rb"(?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z0-9-]{1,63}\.?|localhost|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?"
)
_WISP_CAP = _WISP_HEAD + 255

#: chisel's own version line of SSH: others begin with SSH-2.0.
_CHISEL = b"SSH-chisel-"

#: A name in JSON, not one that is quoted within a string: there its quotes are escaped.
_ANNOUNCE = re.compile(rb'(?<!\\)"action"\s*:\s*"announce"')
_HASH = re.compile(rb'(?<!\\)"info_hash"\s*:\s*"')
_PEER = re.compile(rb'(?<!\\)"(?:peer_id|offers|offer|answer|interval|to_peer_id)"\s*:')
_CONNECT = re.compile(rb'(?<!\\)"type"\s*:\s*"connect"')
_REMOTE = re.compile(rb'(?<!\\)"remote"\s*:\s*["{]')
_FORWARD = re.compile(rb'(?<!\\)"(?:forwardHeaders|forward_headers)"\s*:')
_ESCAPED = re.compile(rb"\\u00([2-7][0-9A-Fa-f])")


def message(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise one message, or how either direction begins."""
    opening = facts.opening
    if opening is None or opening.carrier is not Carrier.WEBSOCKET:
        return None
    said = opening.message
    if _is_wisp_connect(said) or opening.client.startswith(_CHISEL) or opening.server.startswith(_CHISEL):
        return _TUNNEL
    if b"{" not in said:
        return None
    if b"\\u00" in said:
        said = _ESCAPED.sub(_unescaped, said)
    if b'"info_hash"' in said and _HASH.search(said) and _ANNOUNCE.search(said) and _PEER.search(said):
        return _TORRENT
    is_bare = b'"remote"' in said and _CONNECT.search(said) and _REMOTE.search(said) and _FORWARD.search(said)
    return _TUNNEL if is_bare else None


def _is_wisp_connect(said: bytes) -> bool:
    if not _WISP_HEAD < len(said) <= _WISP_CAP or said[0] != 1 or said[5] not in (1, 2):
        return False
    return said[6:8] != b"\0\0" and _WISP_HOST.fullmatch(said, _WISP_HEAD) is not None


def _unescaped(found: re.Match[bytes]) -> bytes:
    """A letter that JSON lets its writer escape; a quote or a backslash stays what it is."""
    letter = bytes.fromhex(found[1].decode())
    return letter if letter.isalnum() or letter == b"_" else found[0]
