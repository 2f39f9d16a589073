"""Streams of bytes that are no request: named by their first bytes, and refused where nothing approved them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy import reasons
from proxy.detectors import ssh
from proxy.facts import Carrier
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.detectors.signature import Signature
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

#: The first that fits names it: what is known by more bytes stands before what is known by fewer.
SIGNATURES: tuple[Signature, ...] = (*ssh.SIGNATURES,)


def recognise(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a protocol in a tunnel or a WebSocket by how either side begins.

    Unknown bytes are refused in a tunnel; a WebSocket may carry any.
    """
    opening = facts.opening
    if opening is None:
        return None
    unnamed = None if opening.carrier is Carrier.WEBSOCKET else reasons.RAW
    reason = named(opening.client) or named(opening.server) or unnamed
    return Match(reason, reasons.title_of(reason)) if reason else None


def named(data: bytes) -> str | None:
    """Give the reason code of the protocol that begins like this."""
    return next((signature.reason for signature in SIGNATURES if signature.fits(data)), None) if data else None


def undecided(data: bytes) -> bool:
    """Tell whether no signature fits yet, and more bytes may make one fit."""
    answers = [signature.fits(data) for signature in SIGNATURES]
    return True not in answers and None in answers
