"""Protocols that a ClientHello offers to speak inside TLS (ALPN, RFC 7301): one that is refused is refused here.

Whoever offers nothing, or something else than it speaks, is judged by what it says inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy import reasons
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

#: Reason and category, by the name of the protocol.
_REFUSED = {
    "bep/1.0": ("p2p.other", "p2p"),  # Syncthing's peers
    "bep-relay": ("p2p.other", "p2p"),  # and its relays
    "libp2p": ("p2p.ipfs", "p2p"),
    "dot": ("bypass.dns", "encrypted-dns"),  # RFC 7858
    "doq": ("bypass.dns", "encrypted-dns"),  # RFC 9250
    "stun.turn": ("bypass.turn", None),  # RFC 7443
    "stun.nat-discovery": ("bypass.turn", None),
}
_MATCHES = {name: Match(reason, reasons.title_of(reason), category) for name, (reason, category) in _REFUSED.items()}


def hello(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise an offer, whatever else is offered. In an approved tunnel TLS may carry anything."""
    if not facts.alpn or (facts.target_host, facts.target_port) in snapshot.approved_tunnels:
        return None
    return next((_MATCHES[name] for name in facts.alpn if name in _MATCHES), None)
