"""What is forced on a request: parameters of its query, cookies, fields. Pure functions from bytes to bytes.

Whatever a client sends of a forced name is taken out, in each spelling that a server may read (letters of any case,
percent-encoding, `;` for `&`), and what the district decided is put in once: where a name stands twice, one server
takes the first and the next one the last. Nothing else changes, not by a byte, and doing it twice is doing it once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

type Fields = tuple[tuple[bytes, bytes], ...]

_NONE: Mapping[bytes, bytes] = MappingProxyType({})
_NO_MEMBERS: Mapping[bytes, tuple[bytes, bytes]] = MappingProxyType({})
_SEPARATOR = re.compile(rb"([&;])")

#: Decoded so often at most: a server decodes once, the one behind it perhaps once more.
_DECODINGS = 3


@dataclass(frozen=True, slots=True)
class Forced:
    """What is forced. Names in keys are in small letters; values are sent as they stand here."""

    parameters: Mapping[bytes, bytes] = _NONE  # always sent
    instead: Mapping[bytes, bytes] = _NONE  # sent in the place of the client's, where it sends one
    never: frozenset[bytes] = frozenset()  # parameters that are never sent
    words: Mapping[bytes, bytes] = _NONE  # parameter -> a word that is taken out of its value
    cookies: Mapping[bytes, bytes] = _NONE  # small name -> the whole cookie; always sent
    members: Mapping[bytes, tuple[bytes, bytes]] = _NO_MEMBERS  # cookie that was sent -> one of its &-joined values
    fields: Fields = ()  # names in small letters, as HTTP/2 has them


def forced_on(target: bytes, fields: Fields, forced: Forced) -> tuple[bytes, Fields]:
    """Give the path and query, and the fields, that go to the site in the place of these."""
    if forced.parameters or forced.instead or forced.words:
        path, _, query = target.partition(b"?")
        if (ours := _query(query, forced)) != query:
            target = path + b"?" + ours
    if forced.cookies or forced.members:
        fields = _with_cookies(fields, forced)
    if forced.fields:
        names = {name for name, _ in forced.fields}
        fields = (*(one for one in fields if one[0].lower() not in names), *forced.fields)
    return target, fields


def _query(query: bytes, forced: Forced) -> bytes:
    """Give the query with what is forced at its end; the others keep their bytes, and what separates them."""
    kept: list[bytes] = []
    parts = _SEPARATOR.split(query)
    for number in range(0, len(parts), 2):
        if (piece := _piece(parts[number], forced)) is None:
            continue
        if kept:
            kept.append(parts[number - 1])
        kept.append(piece)
    ours = b"&".join(name + b"=" + value for name, value in forced.parameters.items())
    rest = b"".join(kept)
    return rest + b"&" + ours if rest and ours else rest or ours


def _piece(piece: bytes, forced: Forced) -> bytes | None:
    """Give one parameter as it is sent on; None for one that is not."""
    written, _, value = piece.partition(b"=")
    name = _plain(written)
    if name in forced.parameters or name in forced.never:
        return None
    if name in forced.instead:
        return name + b"=" + forced.instead[name]
    if name in forced.words:
        return _without_word(piece, value, forced.words[name])
    return piece


def _plain(written: bytes) -> bytes:
    """Give a name as a server may read it: decoded until nothing changes, without blanks, in small letters."""
    for _ in range(_DECODINGS):
        if b"%" not in written:
            break
        written = unquote_to_bytes(written)
    return written.replace(b"+", b" ").strip().lower()


def _without_word(piece: bytes, value: bytes, word: bytes) -> bytes:
    """Give a parameter without a word that would be obeyed; as it was written where that word is not in it."""
    plain = _plain(value)
    if word not in plain:
        return piece
    plain = plain.replace(b"%", b"").replace(word, b"")  # so that nothing is left to be decoded
    if word in plain:  # hidden in itself: nobody asks so, and taking out level by level took 0.7 s for 60 KB
        plain = b""
    kept = b"".join(b"%%%02X" % byte for byte in plain)  # every byte encoded: nothing in it ends the parameter
    return piece[: len(piece) - len(value)] + kept


def _with_cookies(fields: Fields, forced: Forced) -> Fields:
    """Give the fields with the cookies that are forced, in the last of the cookie fields (RFC 9113, 8.2.3)."""
    kept: list[tuple[bytes, bytes]] = []
    last = None
    for name, value in fields:
        if name.lower() != b"cookie":
            kept.append((name, value))
        elif rest := _crumbs(value, forced):
            last = len(kept)
            kept.append((name, rest))
    ours = b"; ".join(forced.cookies.values())
    if ours and last is None:
        kept.append((b"cookie", ours))
    elif ours and last is not None:
        kept[last] = (kept[last][0], kept[last][1] + b"; " + ours)
    return tuple(kept)


def _crumbs(value: bytes, forced: Forced) -> bytes:
    """Give the cookies of one field that are sent on."""
    kept = []
    for crumb in value.split(b";"):
        written, _, held = crumb.partition(b"=")
        name = _plain(written)
        if name in forced.cookies:
            continue
        if name in forced.members:
            crumb = written + b"=" + _with_member(held, *forced.members[name])
        kept.append(crumb)
    return b";".join(kept).strip(b" \t;")


def _with_member(held: bytes, name: bytes, value: bytes) -> bytes:
    """Give a cookie's value `a=1&b=2` with one member forced."""
    members = held.strip(b' \t"').split(b"&")
    kept = [one for one in members if one and _plain(one.partition(b"=")[0]) != name.lower()]
    return b"&".join((*kept, name + b"=" + value))
