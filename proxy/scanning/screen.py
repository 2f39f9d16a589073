"""One answer on its way to its verdict: how much of it is held, what is known of it then, and what is searched later.

Media, programs and streams of events go on as soon as their first bytes are certain. Text that a browser could run or
read as a configuration is held whole, up to HELD; what comes behind that is searched as it passes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy.scanning.answer import Answer, Kind, Part, Trouble
from proxy.scanning.coding import Decoder
from proxy.scanning.marks import Search
from proxy.scanning.sniffing import kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The most that is held of one answer, as it came and decoded, in bytes. Most pages and scripts are smaller.
HELD = 512 * 1024

#: How much of a beginning is looked at for its kind.
_SNIFFED = 1024

#: A few bytes that look like text may turn out to be none, up to so many.
_SURE = 64

#: What is held of archives: the names of their first entries.
_ARCHIVE = 64 * 1024

#: What is held of a gzip file that is no coding: enough to see what is inside.
_INSIDE = 16 * 1024

#: An answer that goes on before there is enough of it is judged again with each piece, until so much of it came.
_AGAIN = 64 * 1024

#: What is held of JSON: a DNS answer says what it is within these bytes.
_JSON = 1024

_MOST = {Kind.ZIP: _ARCHIVE, Kind.OLE: _ARCHIVE, Kind.RAR: _ARCHIVE, Kind.SEVEN_ZIP: 64, Kind.GZIP: _INSIDE,
         Kind.JSON: _JSON, Kind.TEXT: HELD, Kind.HTML: HELD, Kind.XML: HELD, Kind.BENCODE: HELD}  # fmt: skip

#: Kinds in which marks are looked for, and behind which nobody waits for an end.
_TEXTS = frozenset({Kind.TEXT, Kind.HTML, Kind.XML, Kind.BENCODE, Kind.JSON})
_DRIPPING = frozenset({Kind.TEXT, Kind.XML, Kind.JSON})
#: What a part from the middle may turn out to be: what makes others of its bytes is for who asked for them.
_WITHIN = frozenset({Kind.PROGRAM, Kind.INSTALLER, Kind.PACKAGE})
_SEARCHED = _TEXTS | {Kind.ZIP, Kind.OLE}

#: Declared types that drip: their text goes on at once, and is searched as it passes.
_DRIPS = frozenset({
    "text/event-stream", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/stream+json",
    "application/json-seq", "application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl",
    "application/dash+xml", "text/vtt", "multipart/x-mixed-replace",
})  # fmt: skip

#: Types that a browser runs or shows as a page, whatever the bytes look like (https://mimesniff.spec.whatwg.org/).
_ACTIVE = re.compile(r"(?:text|application)/(?:x-)?(?:java|ecma|j|live)script[0-9.]*|text/html|application/xhtml\+xml")
_PROFILES = frozenset({"application/x-apple-aspen-config", "application/x-ns-proxy-autoconfig",
                       "application/x-openvpn-profile"})  # fmt: skip
_SEARCHED_NAMES = (".mobileconfig", ".ovpn", ".pac")
_RUN = frozenset({"script", "worker", "sharedworker", "serviceworker", "audioworklet", "paintworklet"})

_RANGE = re.compile(r"bytes[ =]([0-9]{1,18})-([0-9]{1,18})/(?:([0-9]{1,18})|\*)")


class Screen:
    """Takes an answer's pieces until they are enough for a verdict. Nothing here raises on hostile bytes."""

    def __init__(self, status: int, fields: Mapping[str, str], name: str = "", wanted: str = "") -> None:
        """Begin with the head. `wanted` is what the request says it is for (Sec-Fetch-Dest)."""
        self._status, self._fields, self._name = status, fields, name
        self._declared = declared_type(fields)
        self._part = _part_of(fields) if status == 206 else None
        self._decoder = Decoder(fields.get("content-encoding", "") if self._is_from_the_start else "")
        self._drips = self._declared in _DRIPS and wanted not in _RUN
        self._active = wanted in _RUN or is_active(self._declared) or self._declared in _PROFILES
        self._active = self._active or name.endswith(_SEARCHED_NAMES)
        self._kind: Kind | None = None
        self._came = 0
        self._data = bytearray()
        self._ended = False
        self._search: Search | None = None
        self.is_late = False  # whether some of it has gone on

    @property
    def _is_from_the_start(self) -> bool:
        return self._status != 206 or (self._part is not None and self._part.first == 0)

    def more(self, data: bytes) -> bool:
        """Take one more piece; whether there is enough for a verdict."""
        self._came += len(data)
        self._add(self._decoder.take(data), HELD)
        return self._is_enough()

    def end(self) -> None:
        """Take the end."""
        self._ended = True
        if self._kind is None:
            self._kind = self._sniffed(ended=True)
            self._begin_search(bytes(self._data))

    @property
    def answer(self) -> Answer:
        """What is known now."""
        kind = self._kind or kind_of(bytes(self._data[:_SNIFFED]), ended=True) or Kind.BINARY
        marks = frozenset(self._search.found) if self._search is not None else frozenset()
        trouble = self._decoder.trouble
        if trouble is None and self._kind is None and self._came:
            trouble = Trouble.SILENT
        return Answer(
            self._status, self._fields, kind, bytes(self._data), self._ended and trouble is None, marks,
            self._name, self._declared, trouble, self._part,
        )  # fmt: skip

    @property
    def ripens(self) -> bool:
        """Whether what came can be judged before it is enough. Where nothing is known yet, it cannot.

        A torrent says what it is anywhere before its end, and nobody waits for its beginning.
        """
        return self._kind is not None and self._kind is not Kind.BENCODE

    @property
    def passes_on(self) -> bool:
        """Whether what comes behind what was held needs no look."""
        searched = self._search is not None and (self._is_from_the_start or self._came < _AGAIN)
        return not searched and self._is_settled and self._decoder.trouble is not Trouble.BOMB

    def later(self, data: bytes) -> bool:
        """Search what comes behind what was held; whether there is anything new to judge."""
        self.is_late = True
        if self.passes_on:
            return False
        again = not self._is_settled
        self._came += len(data)
        found = self._add(self._decoder.take(data), _AGAIN)
        return found or again or self._decoder.trouble in (Trouble.BOMB, Trouble.BROKEN)

    def _add(self, plain: bytes, most: int) -> bool:
        """Keep the beginning up to `most`, know its kind, and search it; whether something new was found."""
        before = len(self._data)
        self._data += plain[: max(0, most - before)]
        if self._kind is None or (self._kind is Kind.TEXT and before < _SURE):
            self._kind = Kind.BINARY if self._is_grpc else self._sniffed(ended=False)
        if self._search is not None:
            return self._search.more(self._words(plain))
        if self._kind is not None:
            self._begin_search(bytes(self._data[:before]) + plain)
        return False

    def _sniffed(self, *, ended: bool) -> Kind | None:
        kind = kind_of(bytes(self._data[:_SNIFFED]), ended=ended)
        return kind if self._is_from_the_start or kind is None or kind in _WITHIN else Kind.BINARY

    def _is_enough(self) -> bool:
        kind = self._kind
        if self._decoder.trouble is Trouble.BOMB or self._came >= HELD:
            return True
        if kind is None:
            return False
        if not self._is_from_the_start:
            return True
        if self._drips and kind in _DRIPPING:
            return self._has_begun
        if kind is Kind.JSON and not self._active and b"}\n" in self._data:
            return True  # a watch tells one object a line; what follows is looked at again as it passes
        return len(self._data) >= self._most

    @property
    def _has_begun(self) -> bool:
        """Whether a text is sure to be one: its first line has ended, or it is long enough."""
        return len(self._data) >= _SURE or b"\n" in self._data

    @property
    def _is_settled(self) -> bool:
        """Whether what comes behind this much can change no verdict but by a mark."""
        return self._kind is not None and len(self._data) >= min(self._most, _AGAIN)

    @property
    def _most(self) -> int:
        if self._may_be_text:
            return _ARCHIVE
        return HELD if self._active else _MOST.get(self._kind or Kind.EMPTY, 0)

    @property
    def _is_grpc(self) -> bool:
        """Whether it begins as gRPC's messages do: a flag, then a length. Its first may be shorter than is sniffed."""
        return self._declared.startswith("application/grpc") and self._data.startswith((b"\0", b"\1", b"\x80"))

    @property
    def _may_be_text(self) -> bool:
        """Whether it says that it is text, or nothing: one control character, or UTF-16, makes bytes of it."""
        is_said = not self._declared or self._declared.startswith("text/")
        return self._kind is Kind.BINARY and is_said and not self._active and self._is_from_the_start

    def _begin_search(self, text: bytes) -> None:
        if self._active or self._kind in _SEARCHED or self._may_be_text or not self._is_from_the_start:
            self._search = Search()
            self._search.more(self._words(text))

    def _words(self, plain: bytes) -> bytes:
        """Text as the marks are written: UTF-16 as the ASCII in it, and without the shifts of ISO-2022-JP."""
        if self._kind in (Kind.ZIP, Kind.OLE) or not self._is_from_the_start:
            return plain
        if b"\0" in plain:
            plain = plain.translate(None, b"\0")
        return plain.replace(b"\x1b(B", b"").replace(b"\x1b(J", b"") if b"\x1b" in plain else plain


def declared_type(fields: Mapping[str, str]) -> str:
    """Give the media type of a head in lower case, without parameters."""
    return fields.get("content-type", "").partition(";")[0].strip().lower()


def is_active(declared: str) -> bool:
    """Whether a browser runs this type, or shows it as a page."""
    return _ACTIVE.fullmatch(declared) is not None


def _part_of(fields: Mapping[str, str]) -> Part | None:
    """Read Content-Range; None where it says nothing that can be read."""
    found = _RANGE.fullmatch(fields.get("content-range", "").strip().lower())
    if found is None:
        return None
    first, last, whole = found.groups()
    return Part(int(first), int(last), int(whole) if whole else None) if int(first) <= int(last) else None
