"""The beginning of a request's body, judged before any of it goes on: a DNS query lies about its type (RFC 8484).

A body that can no longer become a DNS query goes on at once, which nearly every body shows by its first twelve bytes.
What may become one is held, up to QUERY_CAP bytes, until it ends or shows; a whole query is refused whatever
follows it. Nothing is looked at in a body that is packed or encrypted, or behind something else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from proxy import upstream
from proxy.counting import broken_off
from proxy.detectors.dns_message import is_query
from proxy.evaluate import evaluate_later
from proxy.facts import Stage
from proxy.upstream import ours

if TYPE_CHECKING:
    from proxy.counting import Count
    from proxy.recording import Exchange
    from proxy.snapshot import PolicySnapshot

REFUSED_BODY = ours(upstream.REFUSED, "recognised in the body of a request")


class BodyLook:
    """What mitmproxy's `stream` takes: hands on to `count` what may go on."""

    def __init__(self, count: Count, exchange: Exchange, snapshot: PolicySnapshot) -> None:
        self._count = count
        self._exchange = exchange
        self._snapshot = snapshot
        self._held: bytes | None = b""  # None: nothing more is held
        self._refused = False

    def __call__(self, data: bytes) -> bytes | list[bytes]:
        """Take a piece of the body, empty at its end. Raises SpoolFull."""
        if self._refused:
            return []
        if self._held is None:
            return self._count(data)
        self._held += data
        found = is_query(self._held)
        if data and found is None:
            return []
        if found and self._is_refused(self._held):
            self._refused = True
            self._exchange.bytes_in += len(self._held)
            return broken_off(self._exchange, REFUSED_BODY)
        held, self._held = self._held, None
        return self._count(held) if data else self._ended(held)

    def _is_refused(self, body: bytes) -> bool:
        """Judge, as at any later stage; the exchange takes a verdict to block."""
        told = replace(self._exchange.facts, stage=Stage.STREAM, body=body)
        verdict = evaluate_later(told, self._snapshot)
        if verdict is None or verdict.forwards:
            return False
        self._exchange.verdict = verdict
        return True

    def _ended(self, held: bytes) -> list[bytes]:
        """Hand on what was held to the end, and the end."""
        given = [self._count(held), self._count(b"")] if held else [self._count(b"")]
        pieces = [each for one in given for each in ([one] if isinstance(one, bytes) else one)]
        return [piece for piece in pieces if piece]
