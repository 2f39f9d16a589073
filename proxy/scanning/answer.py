"""What is known of an answer when it is judged: values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(StrEnum):
    """What a body is by its bytes, whatever it is declared as."""

    EMPTY = "empty"
    TEXT = "text"  # a script, a configuration, or words
    HTML = "html"
    XML = "xml"
    JSON = "json"
    BENCODE = "bencode"
    MEDIA = "media"  # what only shows or sounds: images, sound, film, fonts, PDF
    PROGRAM = "program"  # PE, ELF, Mach-O, AppImage
    INSTALLER = "installer"  # MSI, deb, rpm, disk images, xar
    PACKAGE = "package"  # of a store or a runtime: APK, JAR, XPI, CRX, MSIX
    ZIP = "zip"
    OLE = "ole"  # a compound document: old Office files, and MSI
    GZIP = "gzip"
    SEVEN_ZIP = "7z"
    RAR = "rar"
    BINARY = "binary"  # anything else


class Trouble(StrEnum):
    """Why a body cannot be decoded."""

    UNKNOWN = "unknown"  # a coding that is none of ours
    BROKEN = "broken"  # it ends, or goes wrong, before its end
    BOMB = "bomb"  # it grows beyond all measure
    SILENT = "silent"  # so much came, and what it is does not show


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of the whole a 206 is (RFC 9110, section 15.3.7); `last` is inclusive."""

    first: int
    last: int
    whole: int | None  # bytes of the whole, where the origin says it

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.first == 0 and self.whole is not None and self.last == self.whole - 1

    @property
    def size(self) -> int:
        """Bytes of the part."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Answer:
    """An origin's answer as far as it is known when it is judged."""

    status: int
    fields: Mapping[str, str]  # names in lower case
    kind: Kind
    data: bytes = b""  # decoded, from the beginning, capped
    is_whole: bool = False  # whether `data` is all there is
    marks: frozenset[str] = frozenset()  # what was found in its text, proxy/scanning/marks.py
    name: str = ""  # what it would be saved as, in lower case
    declared: str = ""  # the media type that it says it is, in lower case, without parameters
    trouble: Trouble | None = None
    part: Part | None = None  # of a 206; None there: the origin does not say which
