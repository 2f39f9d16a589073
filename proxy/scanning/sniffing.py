"""How a body begins says what it is. Three answers: a kind, None where more bytes have to tell, TEXT or BINARY."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy.scanning.answer import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What has to be there before bytes that fit no signature are called text or binary.
_ENOUGH = 16

#: A document that is unlike any signature within so many bytes is what it seems.
_LOOKED_AT = 512

#: First bytes -> kind. Longer ones first where one begins another.
_SIGNATURES: tuple[tuple[bytes, Kind], ...] = (
    *((magic, Kind.MEDIA) for magic in (
        b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"\xff\xd8\xff", b"%PDF-", b"wOFF", b"wOF2", b"OTTO", b"ttcf",
        b"\x00\x01\x00\x00\x00", b"OggS", b"ID3", b"fLaC", b"\x1aE\xdf\xa3", b"\x00\x00\x01\x00", b"\x00asm",
        b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1", b"\xff\xf9", b"FLV\x01", b"\x00\x00\x01\xba", b"II*\x00",
        b"MM\x00*", b"\x00\x00\x01\xb3", b"FORM", b"MThd",
    )),
    (b"\x7fELF", Kind.PROGRAM),
    *((magic, Kind.PROGRAM) for magic in (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe",
                                          b"\xcf\xfa\xed\xfe")),
    (b"!<arch>\ndebian-binary", Kind.INSTALLER),
    (b"\xed\xab\xee\xdb", Kind.INSTALLER),
    (b"xar!", Kind.INSTALLER),
    (b"\x78\x01\x73\x0d\x62\x62\x60", Kind.INSTALLER),  # the compressed first block of a disk image
    (b"Cr24", Kind.PACKAGE),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind.OLE),
    (b"\x1f\x8b\x08", Kind.GZIP),
    (b"7z\xbc\xaf\x27\x1c", Kind.SEVEN_ZIP),
    (b"Rar!\x1a\x07", Kind.RAR),
)  # fmt: skip

_BY_FIRST: dict[int, tuple[tuple[bytes, Kind], ...]] = {
    first: tuple(each for each in _SIGNATURES if each[0][0] == first) for first in {each[0][0] for each in _SIGNATURES}
}

#: Bytes of no text (https://mimesniff.spec.whatwg.org/, "binary data byte").
_NO_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BLANK = b"\t\n\x0c\r "
_HTML = re.compile(
    rb"<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|meta|form|link)[\s>/]",
    re.IGNORECASE,
)
_XML = re.compile(rb"<(?:\?xml|!doctype (?!html|(?:h|ht|htm)?\Z)|svg|rss|feed|plist)", re.IGNORECASE)
_JSON = re.compile(rb'\{[\s]{0,64}(?:"(?:[^"\\\n]|\\.){0,256}"[\s]{0,64}:)')
_EMPTY_OBJECT = re.compile(rb"\{\s*\}\s*")  # JSON where nothing follows; a script may begin so
_BENCODE = re.compile(rb"d[0-9]{1,8}:")
_MP4 = re.compile(rb"\x00\x00[\x00-\x0f].(?:ftyp|styp|moov|mdat|moof|sidx|free|skip|wide|emsg)", re.DOTALL)
_RIFF = (b"WAVE", b"AVI ", b"WEBP", b"ACON")


def kind_of(data: bytes, *, ended: bool = False) -> Kind | None:
    """Say what begins like this; None where more has to be seen and more may come."""
    if not data:
        return Kind.EMPTY if ended else None
    kinds = tuple(_by_signature(data, ended))
    if kinds:
        return kinds[0]
    if data.startswith(_UTF16):
        return _text_kind(_ascii(data), ended)
    head = data[:_LOOKED_AT]
    if _BENCODE.match(head):
        return Kind.BENCODE
    if _NO_TEXT.search(head):
        return Kind.BINARY if len(data) >= _ENOUGH or ended else None
    return _text_kind(head, ended)


def _by_signature(data: bytes, ended: bool) -> Iterator[Kind | None]:
    """Give a kind where a signature fits, None where one may still."""
    for magic, kind in _BY_FIRST.get(data[0], ()):
        if data.startswith(magic):
            if magic[:4].isascii() and magic.isalnum() and not _NO_TEXT.search(data[:64]):
                continue  # a script may begin with a name such as GIF89a
            yield kind
        elif not ended and magic.startswith(data):
            yield None
    yield from _by_structure(data, ended)


def _by_structure(data: bytes, ended: bool) -> Iterator[Kind | None]:
    """The same for what is known by more than its first bytes."""
    first = data[:4]
    if first[:2] == b"MZ"[: len(first)]:
        yield from _dos(data, ended)
    elif first == b"\xca\xfe\xba\xbe"[: len(first)]:
        yield from _fat(data, ended)
    elif first == b"RIFF"[: len(first)]:
        yield from _within(data, 8, _RIFF, ended)
    elif data[0] == 0:
        yield from _film(data, ended)
    elif data[0] == 0x47 and data[188:189] == b"G":
        yield Kind.MEDIA  # an MPEG transport stream


def _film(data: bytes, ended: bool) -> Iterator[Kind | None]:
    if _MP4.match(data):
        yield Kind.MEDIA
    elif len(data) < 8 and not ended:
        yield None


def _dos(data: bytes, ended: bool) -> Iterator[Kind | None]:
    """A program for DOS or Windows: its header of 64 bytes is full of zeroes, which no text has."""
    if b"\0" in data[:64]:
        yield Kind.PROGRAM
    elif len(data) < 64 and not ended:
        yield None


def _fat(data: bytes, ended: bool) -> Iterator[Kind | None]:
    """A Mach-O for several machines, or a Java class, whose next bytes are a version of 45 or more."""
    if len(data) >= 8:
        yield Kind.PROGRAM if int.from_bytes(data[4:8]) < 45 else Kind.PACKAGE
    elif not ended:
        yield None


def _within(data: bytes, at: int, words: tuple[bytes, ...], ended: bool) -> Iterator[Kind | None]:
    if data[at:].startswith(words):
        yield Kind.MEDIA
    elif len(data) < at + 4 and not ended:
        yield None


def _ascii(data: bytes) -> bytes:
    """UTF-16 of what is ASCII, as ASCII."""
    return data[2:_LOOKED_AT].replace(b"\0", b"")


def _text_kind(head: bytes, ended: bool) -> Kind | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
    if not text:
        return Kind.TEXT if ended or len(head) >= _LOOKED_AT else None
    if text[0] == 0x3C:  # <
        return _markup(text, ended)
    if text[0] == 0x7B:  # {
        if _JSON.match(text):
            return Kind.JSON
        if len(text) < _LOOKED_AT - 64 and _EMPTY_OBJECT.fullmatch(text):
            return Kind.JSON if ended else None
        return Kind.TEXT if ended or len(text) >= _LOOKED_AT - 64 or not _may_be_json(text) else None
    if not ended and len(text) < 10 and re.fullmatch(rb"d[0-9]{0,8}", head):
        return None
    return Kind.TEXT if ended or len(text) >= _ENOUGH else _early(text)


def _early(text: bytes) -> Kind | None:
    """A short piece that is text already: an event stream's first event is not to wait for a second."""
    return Kind.TEXT if len(text) >= 2 else None


def _may_be_json(text: bytes) -> bool:
    rest = text[1:].lstrip(_BLANK)
    return not rest or (rest[0] == 0x22 and len(rest) < 300)


def _markup(text: bytes, ended: bool) -> Kind | None:
    if _HTML.match(text):
        return Kind.HTML
    if _XML.match(text):
        return Kind.XML
    return Kind.TEXT if ended or len(text) >= _ENOUGH + 8 else None
