"""What origins answer: bodies nearly right, in codings nearly right, in pieces, to all that looks at answers."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from proxy.detectors import DETECTORS
from proxy.facts import Stage
from proxy.scanning.coding import GROWTH
from proxy.scanning.screen import HELD, Screen
from proxy.verdict import Match
from tests.endurance.mutation import mutated
from tests.proxy.detectors.answers import body_of
from tests.proxy.policy import facts, snapshot, table

if TYPE_CHECKING:
    from pathlib import Path

_POLICY = snapshot("downloads: {encrypted_archives: block}")
_CODINGS = ("", "gzip", "deflate", "br", "zstd", "gzip, br", "zstd, deflate", "x-mine")
_TYPES = ("", "text/html", "text/javascript", "image/png", "text/event-stream", "application/json", "application/zip")


class Wrong(Exception):
    """Something grew beyond its bound, or a detector said what none may say."""


@cache
def _seeds() -> list[bytes]:
    """The body of every row of the table but the bombs, which are large to mutate."""
    rows = [row for group in table("answers.yaml").values() for row in group if row.get("made") != "bomb"]
    return [body_of(row)[:65536] for row in rows]


def answer_bytes(run: int, number: int) -> bytes:
    return mutated(_seeds(), run, number, [b"PK\x03\x04", b"\x1f\x8b\x08", b"4:info", b"\0", b"<form ", b"\xff\xfe"])


def read_answer(at: Path, scratch: Path) -> None:
    """Screen a body in each coding, in pieces, and ask every detector of answers."""
    data, dice = at.read_bytes(), random.Random(1)
    for coding in _CODINGS:
        part = {"content-range": f"bytes 0-{len(data)}/{len(data) + 5}"}
        fields = {"content-encoding": coding, "content-type": dice.choice(_TYPES), **part}
        screen = Screen(dice.choice((200, 206)), fields, dice.choice(("", "a.exe", "a.ovpn")))
        _screen(screen, data, dice)
        told = replace(facts(), stage=Stage.RESPONSE, answer=screen.answer)
        for detector in DETECTORS[Stage.RESPONSE]:
            match = detector(told, _POLICY)
            if match is not None and not (isinstance(match, Match) and match.title):
                raise Wrong(f"{detector} says {match!a}")


def _screen(screen: Screen, data: bytes, dice: random.Random) -> None:
    rest, enough = data, False
    while rest:
        size = dice.choice((1, 7, 1400, 65536))
        piece, rest = rest[:size], rest[size:]
        if enough:
            screen.later(piece)
        else:
            enough = screen.more(piece)
    if not enough:
        screen.end()
    if len(screen.answer.data) > min(HELD, GROWTH):
        raise Wrong(f"{len(screen.answer.data)} bytes are held")
