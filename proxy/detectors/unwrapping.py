"""Absolute addresses inside an address: in the values of its query and the tails of its path, through codings.

Web proxies are told what to fetch by `?u=https%3A%2F%2F…`, `/browse/aHR0cHM6Ly9…` or `/p/68747470…`. An ordinary
request has nothing that begins like any of these, and that is all it is asked: three characters of each value, looked
up in a set of every way in which "htt" can begin behind up to DEPTH codings.

Nothing here raises but TooMuch, whatever it is given, and a request costs at most what its Budget has.
"""

from __future__ import annotations

import re
from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass, field
from itertools import chain, islice, product
from string import hexdigits
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: Codings one inside another that are undone, beside the percent-encoding that every query has.
DEPTH = 3

#: How much of a value is decoded, in characters. A host that does not end there is refused, not overlooked.
WINDOW = 4096

#: What one request may cost, in characters of all texts that are read. Beyond it is refused: no page has so many
#: addresses in its own. A short target can hold many long texts: each tail of a path that begins like an address.
CHARACTERS = 65_536

#: What one text costs beside its characters, and each percent sign in it: as much time as so many characters.
_EACH, _PERCENT = 512, 4

#: More texts than that are never read.
TEXTS = CHARACTERS // _EACH

_ADDRESS = re.compile(r"https?:", re.IGNORECASE)
#: One whose host has ended, and needs no more decoding.
_PLAIN = re.compile(r"https?:[/\\]+[^/\\?#%]+(?:[/\\?#]|\Z)", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_ONE_SEGMENT = re.compile(r"[A-Za-z0-9+_-]{8,}")
_HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2}){7,}")
_TRIPLET = re.compile(rb"%([0-9A-Fa-f]{2})")
_BYTES = {(high + low).encode(): bytes.fromhex(high + low) for high, low in product(hexdigits, hexdigits)}
_URL_SAFE = str.maketrans("-_", "+/")
_BLANK = "".join(map(chr, range(0x21))) + "+"  # browsers and PHP strip what stands before an address
_BLANK_BYTES = _BLANK.encode()


class TooMuch(Exception):
    """A request holds more than one look may cost, so what it holds is not known."""


@dataclass(slots=True)
class Budget:
    """What is left of the CHARACTERS of one request, and what was found in each text that was paid for."""

    left: int = CHARACTERS
    found: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def spend(self, text: str) -> None:
        """Pay for reading or decoding a text. Raises TooMuch."""
        self._take(_EACH + len(text) + _PERCENT * text.count("%"))

    def spend_again(self) -> None:
        """Pay for a text that was read already. Raises TooMuch."""
        self._take(_EACH)

    def _take(self, cost: int) -> None:
        self.left -= cost
        if self.left < 0:
            raise TooMuch


def suspects(path: str, query: str) -> Sequence[str]:
    """The tails of a canonical path and the values of a canonical query that may be an address; nearly always none."""
    in_path = path if _BEHIND_SLASH.search(path) or ("=" in path and _BEHIND_EQUALS.search(path)) else ""
    starts = query and (_BEHIND_EQUALS.search(query) or _BEHIND_AMPERSAND.search(query) or query[:3] in OPENINGS)
    return (*_tails(in_path, query), *_values(query if starts else "")) if in_path or starts else ()


def _tails(path: str, query: str) -> Iterator[str]:
    """What follows a slash, or the name of a parameter (/RU=https:%2F%2F…), to the end of the address."""
    for start in islice(_starts(path, _BEHIND_SLASH, _BEHIND_EQUALS), TEXTS + 1):  # beyond, it is refused in any case
        tail = path[start : start + WINDOW + 1]
        yield f"{tail}?{query[:WINDOW]}" if query else tail


def _values(query: str) -> Iterator[str]:
    """What follows a name, and pieces without one. `a;b=…` are two parameters for some (HTML 4.01, B.2.2)."""
    starts = _starts(query, _BEHIND_EQUALS, _BEHIND_AMPERSAND)
    for start in islice(chain((0,) if query[:3] in OPENINGS else (), starts), TEXTS + 1):
        yield query[start : query.find("&", start) % (len(query) + 1)]


def _starts(text: str, *marks: re.Pattern[str]) -> Iterator[int]:
    return (found.start() + 1 for mark in marks for found in mark.finditer(text))


def addresses_in(text: str, budget: Budget) -> tuple[str, ...]:
    """Every absolute http(s) address that `text` may stand for, as text. Raises TooMuch."""
    read, cut = text[:WINDOW], len(text) > WINDOW
    known = None if cut else budget.found.get(read)
    if known is not None:
        budget.spend_again()
        return known
    budget.spend(read)
    found = tuple(_readings(read, cut, DEPTH + 1, budget))
    if not cut:
        budget.found[read] = found
    return found


def _readings(text: str, cut: bool, depth: int, budget: Budget) -> Iterator[str]:
    text = text.lstrip(_BLANK)
    if _ADDRESS.match(text):
        plain = _PLAIN.match(text)
        if plain or "%" not in text or not depth:
            if cut and (plain is None or plain.end() == len(text)):
                raise TooMuch  # the host stands beyond the window
            yield text
            return
        yield text
    elif not depth or text[:3] not in OPENINGS:
        return
    for decoded in _decoded(text, budget):
        yield from _readings(decoded, cut, depth - 1, budget)


def _decoded(text: str, budget: Budget) -> Iterator[str]:
    if "%" in text:
        budget.spend(text)
        yield unquoted(text)
    for run in _runs(text):
        budget.spend(run)
        yield from _from_base64(run)
    if hexadecimal := _HEXADECIMAL.match(text):
        budget.spend(hexadecimal[0])
        yield from _text(bytes.fromhex(hexadecimal[0]))


def _runs(text: str) -> Iterable[str]:
    """What may be base64: a slash is a letter of it, or the end, or stands where imgproxy cuts what is long."""
    whole, segment = (_BASE64.match(text), _ONE_SEGMENT.match(text))
    runs = [run[0] for run in (whole, segment) if run]
    return dict.fromkeys((*runs, *(run.replace("/", "") for run in runs)))


def unquoted(text: str) -> str:
    """Undo percent-encoding. The library's takes 0.25 us for each stray "%", and 1.3 us beside what is not ASCII."""
    data = text.encode("utf-8", "replace")
    return _TRIPLET.sub(lambda triplet: _BYTES[triplet[1]], data).decode("utf-8", "replace")


def _from_base64(run: str) -> Iterator[str]:
    """Both alphabets (RFC 4648), padded or not."""
    whole = run[:-1] if len(run) % 4 == 1 else run
    try:
        data = a2b_base64(whole.translate(_URL_SAFE) + "=" * (-len(whole) % 4))
    except NotBase64:  # a run of the alphabet that is none
        return
    yield from _text(data)


def _text(data: bytes) -> Iterator[str]:
    """Give bytes as text where they begin like an address; most are no text at all."""
    if data.lstrip(_BLANK_BYTES)[:3].decode("latin-1") in OPENINGS:
        yield data.decode("utf-8", "replace")


def _coded(text: str) -> Iterator[str]:
    """Give `text`, of at least three characters of ASCII, in each coding; of percent-encoding, in every mixture."""
    data = text.encode()
    yield data.hex()
    yield data.hex().upper()
    yield b2a_base64(data, newline=False).decode()
    spelled = ((char, f"%{ord(char):02x}", f"%{ord(char):02X}") for char in text)
    yield from ("".join(spelling) for spelling in product(*spelled))


def _openings() -> frozenset[str]:
    """Give the first three characters of "http" behind every composition of up to DEPTH codings, and one more percent.

    Three characters of any coding are made by at most three of what is coded, so three are enough at each step.
    """
    level = {"".join(letters) for letters in product("hH", "tT", "tT")}
    found = set(level)
    for _ in range(DEPTH + 1):
        level = {coded[:3] for opening in level for coded in _coded(opening)}
        found |= level
    blank = {f"%{code:02X}"[:3] for code in range(0x21)}
    return frozenset(found | blank | {f"+{opening[:2]}" for opening in found} | {"++h", "+++"})


#: What an address begins with, coded or not.
OPENINGS = _openings()


def _behind(mark: str) -> re.Pattern[str]:
    """Find an opening behind a mark.

    The pattern is a tree of characters behind one literal, for which the engine looks first: 0.1 to 0.5 microseconds
    a search of 100 characters. Splitting them, and looking up each piece, takes five times as long.
    """
    tree: dict[str, dict[str, str]] = {}
    for opening in sorted(OPENINGS):
        behind = tree.setdefault(opening[0], {})
        behind[opening[1]] = behind.get(opening[1], "") + re.escape(opening[2])
    firsts = (
        re.escape(first) + "(?:" + "|".join(f"{re.escape(second)}[{thirds}]" for second, thirds in rest.items()) + ")"
        for first, rest in tree.items()
    )
    return re.compile(f"{mark}(?:{'|'.join(firsts)})")


_BEHIND_SLASH, _BEHIND_EQUALS, _BEHIND_AMPERSAND = map(_behind, "/=&")
