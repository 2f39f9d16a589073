"""IPFS: nodes by how they negotiate, and gateways by the content identifier that they are asked for.

A content identifier (CID) is what makes it IPFS: a path that happens to be called /ipfs/ has none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy import reasons
from proxy.detectors.signature import Signature, prefix
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_REASON = "p2p.ipfs"
_MATCH = Match(_REASON, reasons.title_of(_REASON), "p2p")

#: libp2p's negotiation: the length of its name, and the name.
SIGNATURES = (Signature(_REASON, prefix(b"\x13/multistream/1.0.0\n")),)

#: Version 1 in base 32, and a name's key in base 36: the two that fit into the name of a host.
_IN_HOSTS = r"ba[e-h][a-z2-7]{50,120}|k(?:51qzi5uqu5|2k4r8)[0-9a-z]{40,60}"
#: Those, version 0, and version 1 in base 58, in base 16 and in capitals.
_CID = (
    rf"(?:{_IN_HOSTS}|Qm[1-9A-HJ-NP-Za-km-z]{{44}}|z[1-9A-HJ-NP-Za-km-z]{{46,120}}"
    r"|f01[0-9a-f]{66,200}|BA[E-H][A-Z2-7]{50,120})(?![0-9A-Za-z])"
)
_PATH = re.compile(rf"/ip[fn]s/{_CID}")
_ASKED = re.compile(rf"(?:^|&)arg=(?:%2Fipfs%2F|/ipfs/)?{_CID}")
_HOST = re.compile(rf"(?:{_IN_HOSTS})\.ip[fn]s\.")

#: The public gateway whose hosts are contents, or names of contents.
_GATEWAYS = (".ipfs.dweb.link", ".ipns.dweb.link")


def request(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a gateway, by path or by host, and the interface by which a node is told what to fetch."""
    path, host = facts.path, facts.host
    if "/ip" in path and _PATH.search(path):
        return _MATCH
    if ".ip" in host and (_HOST.match(host) or host.endswith(_GATEWAYS)):
        return _MATCH
    return _MATCH if path.startswith("/api/v0/") and _ASKED.search(facts.query) else None
