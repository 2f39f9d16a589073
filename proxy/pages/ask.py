"""What kind of answer a request can use: fetch metadata, Accept, language. Pure; every value is only claimed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Longest header value looked at, in characters: real ones are under 200.
VALUE_CAP = 512
#: Most headers looked at, and most members of one list: more only costs time.
HEADERS_CAP = 200
MEMBERS_CAP = 20

_FIELDS = {
    "sec-fetch-dest": "sec_fetch_dest",
    "sec-fetch-mode": "sec_fetch_mode",
    "sec-purpose": "sec_purpose",
    "purpose": "sec_purpose",  # what Safari sends
    "accept": "accept",
    "accept-language": "accept_language",
    "upgrade": "upgrade",
}


class Shape(Enum):
    """The form of an answer (reference/interface.md 1.5)."""

    PAGE = auto()
    CARD = auto()  # part of a page: a frame
    IMAGE = auto()
    EMPTY = auto()  # a sub-resource, a prefetch, a WebSocket
    PROBLEM = auto()  # a program: application/problem+json, RFC 9457


@dataclass(frozen=True, slots=True)
class Ask:
    """What the client says it wants. Values are lower case and capped; an absent header is an empty string."""

    method: str = "GET"
    sec_fetch_dest: str = ""
    sec_fetch_mode: str = ""
    sec_purpose: str = ""
    accept: str = ""
    accept_language: str = ""
    upgrade: str = ""

    @property
    def navigates(self) -> bool:
        """True only for a browser tab's own navigation: scripts can send neither header (Fetch, forbidden names)."""
        return self.sec_fetch_mode == "navigate" and self.sec_fetch_dest == "document"


def ask_of(headers: Iterable[tuple[bytes | str, bytes | str]], method: str = "GET") -> Ask:
    """Read an Ask out of request headers. The first of a repeated header counts; no value can make this fail."""
    found: dict[str, str] = {}
    for position, (name, value) in enumerate(headers):
        if position >= HEADERS_CAP:
            break
        field = _FIELDS.get(_text(name).lower())
        if field is not None:
            found.setdefault(field, _text(value).strip().lower())
    return Ask(method=method.upper()[:32], **found)


def _text(value: bytes | str) -> str:
    return value[:VALUE_CAP].decode("latin-1") if isinstance(value, bytes) else value[:VALUE_CAP]


# What an element expects, by Sec-Fetch-Dest. A 403 with the right type keeps consoles quiet and sniffing off.
_EMPTY_TYPES = {
    "style": "text/css",
    "script": "text/javascript",
    "worker": "text/javascript",
    "sharedworker": "text/javascript",
    "serviceworker": "text/javascript",
    "audioworklet": "text/javascript",
    "paintworklet": "text/javascript",
    "font": "font/woff2",
    "audio": "audio/mpeg",
    "video": "video/mp4",
    "track": "text/vtt",
    "manifest": "application/manifest+json",
    "xslt": "application/xml",
}
_FRAMES = frozenset({"iframe", "frame", "embed", "object", "fencedframe"})


def shape_of(ask: Ask) -> tuple[Shape, str]:
    """The form of the answer, and its media type ("" where a body-less answer has none)."""
    if "websocket" in ask.upgrade or ask.sec_fetch_mode == "websocket" or "prefetch" in ask.sec_purpose:
        return Shape.EMPTY, ""
    if ask.method == "CONNECT":  # browsers never show this body; programs may
        return Shape.PROBLEM, _PROBLEM
    if ask.sec_fetch_dest:
        return _by_destination(ask.sec_fetch_dest)
    return _by_accept(ask.accept)


_HTML = "text/html; charset=utf-8"
_PROBLEM = "application/problem+json"


def _by_destination(destination: str) -> tuple[Shape, str]:
    if destination == "document":
        return Shape.PAGE, _HTML
    if destination in _FRAMES:
        return Shape.CARD, _HTML
    if destination == "image":
        return Shape.IMAGE, "image/gif"
    if destination in _EMPTY_TYPES:
        return Shape.EMPTY, _EMPTY_TYPES[destination]
    return Shape.PROBLEM, _PROBLEM


def _by_accept(accept: str) -> tuple[Shape, str]:
    """Browsers send no fetch metadata to plain-http origins, so Accept has to tell a page from a picture."""
    wishes = weighted(accept)
    first = next(iter(wishes), "")
    if wishes.get("text/html", 0) > 0 and wishes["text/html"] >= wishes.get("application/json", 0):
        return Shape.PAGE, _HTML
    if first.startswith("image/"):
        return Shape.IMAGE, "image/gif"
    if first == "text/css":
        return Shape.EMPTY, first
    return Shape.PROBLEM, _PROBLEM


def weighted(value: str) -> dict[str, float]:
    """The members of an Accept or Accept-Language value with their weights (RFC 9110, 12.4.2), heaviest first."""
    members: dict[str, float] = {}
    for member in value.split(",")[:MEMBERS_CAP]:
        name, *parameters = (part.strip() for part in member.split(";"))
        if name:
            members.setdefault(name, _weight(parameters))
    return dict(sorted(members.items(), key=lambda item: -item[1]))


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                weight = float(parameter[2:])
            except ValueError:
                return 0.0
            return weight if 0 <= weight <= 1 else 0.0
    return 1.0


def language_of(ask: Ask, spoken: Iterable[str]) -> str:
    """The language to answer in: the heaviest one that is spoken, else the first spoken ("es-MX" asks for "es")."""
    known = list(spoken)
    for tag, weight in weighted(ask.accept_language).items():
        language = tag.split("-")[0]
        if weight > 0 and language in known:
            return language
    return known[0]
