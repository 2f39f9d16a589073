"""How streams begin that are no request, nearly right: what the signatures read, byte after byte."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from proxy.detectors import DETECTORS
from proxy.detectors.opening import SIGNATURES, named, undecided
from proxy.facts import MESSAGE_CAP, OPENING_CAP, Carrier, Opening, Stage
from proxy.verdict import Match
from tests.endurance.mutation import mutated
from tests.proxy.detectors.openings import NAMED, UNNAMED
from tests.proxy.policy import facts, snapshot

if TYPE_CHECKING:
    from pathlib import Path

_DRIPPED = 24  # bytes that are said one after the other
_POLICY = snapshot()


class Wrong(Exception):
    """A signature or a detector said something that none may say."""


@cache
def _seeds() -> list[bytes]:
    """Every sample, and all on end. What one protocol says is put into another's words."""
    samples = [sample.data for sample in (*NAMED.values(), *UNNAMED.values())]
    return [*samples, b"".join(samples)[:MESSAGE_CAP]]


def stream_bytes(run: int, number: int) -> bytes:
    return mutated(_seeds(), run, number, _seeds()[: len(NAMED)])


def read_stream(at: Path, scratch: Path) -> None:
    """Ask all that is asked about bytes, from either side and in each carrier."""
    data = at.read_bytes()
    _name(data[:OPENING_CAP])
    for carrier in Carrier:
        for client, server in ((data[:OPENING_CAP], b""), (b"", data[:OPENING_CAP])):
            told = replace(facts(), stage=Stage.STREAM, opening=Opening(carrier, client, server, data[:MESSAGE_CAP]))
            for detector in DETECTORS[Stage.STREAM]:
                match = detector(told, _POLICY)
                if match is not None and not (isinstance(match, Match) and match.title):
                    raise Wrong(f"{detector} says {match!a}")


def _name(data: bytes) -> None:
    """A signature that has told stays told, and what an opening keeps is enough to tell."""
    told: dict[int, bool] = {}
    for length in (*range(min(len(data), _DRIPPED)), len(data)):
        for place, signature in enumerate(SIGNATURES):
            fits = signature.fits(data[:length])
            if told.get(place, fits) is not fits:
                raise Wrong(f"{signature.reason} changes its mind at {data[:length].hex()}")
            if fits is not None:
                told[place] = fits
    if undecided(data) and (named(data) or len(data) >= OPENING_CAP):
        raise Wrong(f"undecided about {data.hex()}")
