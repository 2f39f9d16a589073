"""BitTorrent's files and the answers of its trackers: the technique is refused, whatever it shares."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy import reasons
from proxy.scanning.answer import Kind
from proxy.scanning.unwrapping import inside
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_TORRENT = Match("p2p.bittorrent", reasons.title_of("p2p.bittorrent"), "p2p")

_TYPE = "application/x-bittorrent"

#: How much of a file may stand before its `info`: lists of trackers and web seeds, comments.
_LOOKED_AT = 512 * 1024

#: BEP 3: a dictionary with the key `info`. A v2 file has `file tree` instead of `pieces` (BEP 52).
_FILE = re.compile(rb"4:infod|6:pieces[0-9]|9:file treed|12:piece layersd")

#: BEP 3 and 23: what a tracker answers with: peers, or when to ask again.
_TRACKER = re.compile(rb"8:intervali[0-9]|5:peers|6:peers6|5:filesd20:")


def torrent(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a .torrent file, also gzipped, and a tracker's answer, also to a request that was not recognised."""
    answer = facts.answer
    if answer is None:
        return None
    if answer.declared == _TYPE:
        return _TORRENT
    if answer.kind is not Kind.BENCODE and answer.kind is not Kind.GZIP:
        return None
    data = inside(answer.data, _LOOKED_AT) if answer.kind is Kind.GZIP else answer.data[:_LOOKED_AT]
    if not re.match(rb"d[0-9]{1,8}:", data):
        return None
    asked = "info_hash=" in facts.query
    return _TORRENT if asked or _FILE.search(data) or _TRACKER.search(data) else None
