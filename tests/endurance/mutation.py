"""Bytes that are nearly right: a seed and a number give the same bytes again, on any machine."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LENGTHS = [0, 1, 2, 7, 64, 255, 256, 4096, 16_384, 70_000]

#: What parsers trip over: ends of lines, lengths, signs, folded lines, absurd numbers, other protocols' beginnings.
_TOKENS = [
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b"\x00", b"\x7f", b"\xff" * 4, b" ", b"\t", b":", b"\r\n "),
    *(b"%00", b"%2e%2e/", b"HTTP/0.9", b"HTTP/1.0", b"HTTP/9.9", b"Expect: 100-continue\r\n"),
    *(b"Content-Length: 5\r\n", b"Content-Length: +5\r\n", b"Content-Length: 99999999999999999999\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: xchunked\r\n", b"Host: other.test\r\n"),
    *(b"Connection: close\r\n", b"Upgrade: websocket\r\nConnection: Upgrade\r\n"),
    *(b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"-1\r\n"),
    *(b"CONNECT other.test:443 HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    *(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", b"\x80\x00\x00\x01"),
]  # fmt: skip


def mutated(seeds: Sequence[bytes], run: int, number: int, tokens: Sequence[bytes] = _TOKENS) -> bytes:
    """Give case `number` of run `run`: one of the seeds, changed in one to six places; now and then noise alone.

    `tokens` are what the parser in question trips over.
    """
    dice = random.Random(f"{run}/{number}")
    if dice.random() < 0.05:
        return dice.randbytes(dice.choice(_LENGTHS))
    data = bytearray(dice.choice(seeds))
    for _ in range(dice.randint(1, 6)):
        dice.choice(_CHANGES)(data, dice, tokens)
    return bytes(data)


def _place(data: bytearray, dice: random.Random) -> int:
    return dice.randint(0, len(data))


def _flip(data: bytearray, dice: random.Random, _: Sequence[bytes]) -> None:
    if data:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _cut(data: bytearray, dice: random.Random, _: Sequence[bytes]) -> None:
    start = _place(data, dice)
    del data[start : start + dice.choice(_LENGTHS[:6])]


def _end_early(data: bytearray, dice: random.Random, _: Sequence[bytes]) -> None:
    del data[_place(data, dice) :]


def _repeat(data: bytearray, dice: random.Random, _: Sequence[bytes]) -> None:
    start = _place(data, dice)
    piece = bytes(data[start : start + dice.choice(_LENGTHS[:7])])
    data[start:start] = piece * dice.choice([1, 2, 50])


def _insert_token(data: bytearray, dice: random.Random, tokens: Sequence[bytes]) -> None:
    place = _place(data, dice)
    data[place:place] = dice.choice(tokens)


def _insert_noise(data: bytearray, dice: random.Random, _: Sequence[bytes]) -> None:
    place = _place(data, dice)
    data[place:place] = dice.randbytes(dice.choice(_LENGTHS[:8]))


def _swap(data: bytearray, dice: random.Random, _: Sequence[bytes]) -> None:
    place, other = _place(data, dice), _place(data, dice)
    data[place : place + 8], data[other : other + 8] = data[other : other + 8], data[place : place + 8]


_CHANGES: tuple[Callable[[bytearray, random.Random, Sequence[bytes]], None], ...] = (
    *(_flip, _flip, _cut, _end_early, _repeat),
    *(_insert_token, _insert_token, _insert_token, _insert_noise, _swap),
)
