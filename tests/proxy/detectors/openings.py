"""tests/cases/openings.yaml, as bytes."""

from __future__ import annotations

from dataclasses import dataclass

from tests.proxy.policy import table


@dataclass(frozen=True)
class Sample:
    """How one stream begins, and the reason that it gets."""

    sentence: str
    data: bytes
    reason: str | None = None  # in a tunnel
    websocket: str | None = None  # in a WebSocket


def bytes_of(case):
    """`hex` with blanks, and `ab*12` for twelve times ab; or `text`, a byte a character."""
    if "text" in case:
        return case["text"].encode("latin-1")
    pieces = (piece.partition("*") for piece in case["hex"].split())
    return b"".join(bytes.fromhex(piece) * int(count or 1) for piece, _, count in pieces)


def _sample(sentence, case):
    reason = case.get("reason")
    return Sample(sentence, bytes_of(case), reason, case.get("websocket", reason))


TABLE = table("openings.yaml")
NAMED = {sentence: _sample(sentence, case) for sentence, case in TABLE["named"].items()}
UNNAMED = {sentence: _sample(sentence, case) for sentence, case in TABLE["unnamed"].items()}


def of(*reasons):
    """The sentences of samples with one of these reasons."""
    return [sentence for sentence, sample in NAMED.items() if sample.reason in reasons]
