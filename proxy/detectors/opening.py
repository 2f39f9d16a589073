"""Streams of bytes that are no request: named by their first bytes, and refused where nothing approved them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy import reasons
from proxy.detectors import (
    bittorrent,
    dns,
    file_sharing,
    ipfs,
    openvpn,
    proxy_chain,
    remote_desktop,
    socks,
    ssh,
    tls_in_tls,
    tor,
    turn,
    vpn,
)
from proxy.facts import Carrier
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.detectors.signature import Signature
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

#: The first that fits names it: what is known by more bytes stands before what is known by fewer.
SIGNATURES: tuple[Signature, ...] = (
    *ssh.SIGNATURES,
    *bittorrent.SIGNATURES,
    *file_sharing.SIGNATURES,
    *ipfs.SIGNATURES,
    *openvpn.SIGNATURES,
    *vpn.SIGNATURES,
    *tor.SIGNATURES,
    *socks.SIGNATURES,
    *remote_desktop.SIGNATURES,
    *turn.SIGNATURES,
    *proxy_chain.SIGNATURES,
    *tls_in_tls.SIGNATURES,
    *dns.SIGNATURES,
)

_CERTAIN = tuple(signature for signature in SIGNATURES if signature.certain)


def recognise(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a protocol in a tunnel or a WebSocket by how either side begins.

    Unknown bytes are refused in a tunnel; a WebSocket may carry any.
    """
    opening = facts.opening
    if opening is None:
        return None
    carrier = opening.carrier
    unnamed = None if carrier is Carrier.WEBSOCKET else reasons.RAW
    reason = named(opening.client, carrier) or named(opening.server, carrier) or unnamed
    return Match(reason, reasons.title_of(reason)) if reason else None


def named(data: bytes, carrier: Carrier = Carrier.TUNNEL) -> str | None:
    """Give the reason code of the protocol that begins like this, as far as that is certain in this carrier."""
    asked = _CERTAIN if carrier is Carrier.WEBSOCKET else SIGNATURES
    return next((signature.reason for signature in asked if signature.fits(data)), None) if data else None


def undecided(data: bytes) -> bool:
    """Tell whether no signature fits yet, and more bytes may make one fit."""
    answers = [signature.fits(data) for signature in SIGNATURES]
    return True not in answers and None in answers
