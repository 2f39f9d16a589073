"""The kinds of values that settings are made of. Each refuses with one clause that says what to write instead."""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, Strict, ValidationInfo, WithJsonSchema

from categories.address import MalformedAddress, canonical_host, parse
from config.problems import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.json_schema import JsonSchemaValue

#: Every model of the settings: unknown keys are errors, values never change.
CLOSED = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

#: Longest text, in characters: it is shown on pages and written into reports.
TEXT_CAP = 500

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SIZE = re.compile(r"([1-9][0-9]{0,17})\s?(KiB|MiB|GiB)")
_USER = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")  # the same as an account's name
_UNITS = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def today_of(info: ValidationInfo) -> date:
    """The day on which the settings are read, UTC; the loader may be told another."""
    day: date = (info.context or {}).get("today") or datetime.now(UTC).date()
    return day


def named(pattern: str, what: str) -> Callable[[str], str]:
    """A check that the whole text matches `pattern`; `what` says in words what is allowed."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"{shown(text)}: {what}")
        return text

    return check


def _text(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise ValueError("is blank")
    if len(stripped) > TEXT_CAP:
        raise ValueError(f"is longer than {TEXT_CAP} characters")
    if not stripped.isprintable():
        raise ValueError("holds a line break or a control character; write one line")
    return stripped


def _host(text: str) -> str:
    try:
        host = canonical_host(text)
    except MalformedAddress as error:
        raise ValueError(f"{shown(text)}: {error}") from None
    if "*" in host:  # asked of the canonical form: U+FF0A is a star, too
        raise ValueError(f'{shown(text)}: "*" is not allowed; name each host')
    return host


def _url(text: str) -> str:
    """An http or https address that browsers open, without an account in it: secrets never stand in settings."""
    if not text.isprintable() or " " in text:
        raise ValueError("holds a blank or a control character")
    if "@" in urlsplit(text).netloc:
        raise ValueError("holds an account (user:password@); secrets never stand in this file")
    try:
        scheme = parse(text).scheme
    except MalformedAddress as error:
        raise ValueError(f"{shown(text)}: {error}") from None
    if scheme not in ("http", "https"):
        raise ValueError(f"{shown(text)}: write an https address")
    return text


def _user_name(text: str) -> str:
    lowered = text.lower() if text.isascii() else ""
    if not _USER.fullmatch(lowered):
        raise ValueError(f"{shown(text)}: an account name has up to 64 letters, digits and the signs . _ @ -")
    return lowered


def _network(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, (IPv4Network, IPv6Network)):
        return value
    if not isinstance(value, str) or "/" not in value:
        raise ValueError(f'{shown(value)}: write a network, such as "10.1.0.0/16"')
    try:
        return ip_network(value)
    except ValueError as error:
        raise ValueError(f"{shown(value)} is no network: {error}") from None


def _address(value: object) -> IPv4Address | IPv6Address:
    if isinstance(value, (IPv4Address, IPv6Address)):
        return value
    try:
        address = ip_address(value) if isinstance(value, str) and "%" not in value else None
    except ValueError:
        address = None
    if address is None:
        raise ValueError(f'{shown(value)}: write an IP address, such as "10.1.0.53"')
    return address


def socket_address(text: str) -> tuple[IPv4Address | IPv6Address, int]:
    """The address and port of "127.0.0.1:8080" or "[::1]:8080". Raises ValueError."""
    host, colon, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        address = ip_address(bare)
    except ValueError:
        raise ValueError(f'{shown(text)}: write an IP address and a port, such as "127.0.0.1:8080"') from None
    if not colon or (address.version == 6) == (bare == host) or "%" in bare:
        raise ValueError(f'{shown(text)}: write "127.0.0.1:8080" or "[::1]:8080"')
    if not re.fullmatch(r"0|[1-9][0-9]{0,4}", port) or int(port) > 65_535:
        raise ValueError(f"{shown(text)}: {shown(port)} is no port")
    return address, int(port)


def _socket_address(text: str) -> str:
    address, port = socket_address(text)
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError(f"{shown(value)}: write a date, such as 2026-11-01")


def _size(value: object) -> object:
    parts = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if isinstance(value, str) and parts is None:
        raise ValueError(f"{shown(value)}: write bytes as a whole number, or a size in KiB, MiB or GiB, such as 4GiB")
    return int(parts[1]) * _UNITS[parts[2]] if parts else value


def _absolute(value: object, info: ValidationInfo) -> Path:
    """A path, taken from the folder of the file in which it stands."""
    text = os.fspath(value) if isinstance(value, Path) else value
    if not isinstance(text, str) or not text.strip():
        raise ValueError("write a path")
    if not text.isprintable() or text.startswith("~"):
        raise ValueError(f"{shown(text)}: write the path out")
    base: Path | None = (info.context or {}).get("base")
    if base is None and not Path(text).is_absolute():
        raise ValueError(f"{shown(text)}: write an absolute path")
    return Path(os.path.normpath((base or Path("/")) / text))


def _schema(**schema: Any) -> WithJsonSchema:
    return WithJsonSchema(schema)


def either(text: JsonSchemaValue, long: JsonSchemaValue) -> JsonSchemaValue:
    """The schema of a value that may be written short or in full."""
    return {"anyOf": [text, long]}


Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Text = Annotated[str, Strict(), AfterValidator(_text)]
Host = Annotated[str, Strict(), AfterValidator(_host)]
SocketAddress = Annotated[str, Strict(), AfterValidator(_socket_address)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network), _schema(type="string")]
Address = Annotated[IPv4Address | IPv6Address, BeforeValidator(_address), _schema(type="string")]
Url = Annotated[str, Strict(), AfterValidator(_url)]
Day = Annotated[date, BeforeValidator(_day), _schema(type="string", format="date")]
AbsolutePath = Annotated[Path, BeforeValidator(_absolute), _schema(type="string")]
Seconds = Annotated[float, Strict(), Field(gt=0, le=86_400)]
Bytes = Annotated[
    int, BeforeValidator(_size), Strict(), Field(ge=1024), _schema(anyOf=[{"type": "integer"}, {"type": "string"}])
]
Name = Annotated[
    str,
    Strict(),
    AfterValidator(named(r"[a-z0-9][a-z0-9._-]{0,39}", "a name has up to 40 small letters, digits, dots and dashes")),
]
UserName = Annotated[str, Strict(), AfterValidator(_user_name)]
CategoryId = Annotated[
    str,
    Strict(),
    AfterValidator(named(r"[a-z][a-z0-9-]{0,39}", "a category has up to 40 small letters, digits and dashes")),
]
