"""How hostile and variable values are put before a person: addresses, times, links. Escaping is the template's work."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from categories.address import display_host

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from proxy.facts import RequestFacts

#: Longest path with query, longest host, and longest host in a window's title, in characters.
PATH_SHOWN = 120
HOST_SHOWN = 253
TITLE_SHOWN = 64

#: Control, format (bidi overrides, zero width), surrogate, private and unassigned characters; line separators.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NOT_IN_HOST = re.compile(r"[^a-z0-9._:\-]")
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443, "tunnel": 443}


def visible(text: str, cap: int) -> str:
    """The text cut to `cap` characters, with a mark for each one that cannot be seen or turns the line around."""
    shown = "".join("\ufffd" if unicodedata.category(char) in _INVISIBLE else char for char in text[:cap])
    return shown + "…" if len(text) > cap else shown


@dataclass(frozen=True, slots=True)
class ShownAddress:
    """An address for people. `ascii` is the registered form of an IDN, empty where `host` is that already."""

    host: str
    ascii: str
    rest: str  # port, path and query, cut
    title: str  # the host in ASCII for the window's title; its end, which says whose it is, stays


def shown_address(facts: RequestFacts, with_path: bool) -> ShownAddress:
    """What was asked for. Without the path where nobody should be able to copy it (child-abuse)."""
    plain = _NOT_IN_HOST.sub("?", facts.host.lower()[:HOST_SHOWN])
    name = display_host(plain).removesuffix(f" ({plain})")
    bracketed = f"[{plain}]" if ":" in plain else plain
    host = visible(name, HOST_SHOWN) if name != plain else bracketed
    port = "" if _DEFAULT_PORTS.get(facts.scheme) == facts.port else f":{facts.port}"
    return ShownAddress(host, plain if name != plain else "", port + _path(facts, with_path), bracketed[-TITLE_SHOWN:])


def _path(facts: RequestFacts, with_path: bool) -> str:
    path = f"{facts.path}?{facts.query}" if facts.query else facts.path
    return visible(path, PATH_SHOWN) if with_path and path != "/" else ""


def shown_time(at: datetime, zone: ZoneInfo, texts: Mapping[str, str]) -> str:
    """A moment in the district's own time, with the zone named."""
    local = at.astimezone(zone)
    return texts["time"].format(
        month=texts[f"months.{local.month}"],
        day=local.day,
        year=local.year,
        hour12=(local.hour + 11) % 12 + 1,
        minute=local.minute,
        half=texts["am" if local.hour < 12 else "pm"],
        zone=local.tzname(),
    )


def mailto(email: str, subject: str) -> str:
    """A mail link (RFC 6068). The subject carries the record id, never an address or a name (invariant 7)."""
    return f"mailto:{quote(email, safe='@.+-_')}?subject={quote(subject, safe='')}"


def telephone(number: str) -> str:
    """A telephone link (RFC 3966), digits only."""
    return "tel:" + re.sub(r"[^0-9+]", "", number)
