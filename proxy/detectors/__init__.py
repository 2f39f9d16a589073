"""Techniques that are recognised by what a request does, not by a list. One file a technique.

A new one: a file here with functions of the shape of `Detector`, their lines in DETECTORS, their codes in
proxy/reasons.py and docs/reasons.md, rows in tests/cases/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from proxy.detectors import destination

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot
    from proxy.verdict import Match


class Detector(Protocol):
    """Says what it recognised, or None. Pure, and cheap: each is asked on every request, at every stage."""

    def __call__(self, facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
        """Recognise one technique. A detector that raises is a block (fail closed)."""


DETECTORS: tuple[Detector, ...] = (
    destination.mismatch,
    destination.private,
    destination.literal,
    destination.port,
)
