"""One spelling for an address: what a browser would connect to, however it was written.

WHATWG URL parsing by can_ada, which agreed with an independent implementation on 58 of 58 hostile rows; urllib and yarl
agreed on 21 and 33 (reference/index.md, section 3). can_ada keeps trailing dots; they are stripped here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

import can_ada

from categories.paths import PATH_CAP, capped, decode_unreserved, is_ambiguous, merge_slashes, path_readings
from categories.suffixes import is_public_suffix

__all__ = [
    "PATH_CAP",
    "Address",
    "MalformedAddress",
    "canonical_host",
    "display_host",
    "is_public_suffix",
    "literal",
    "parse",
    "parse_authority",
    "path_readings",
]

#: Longest host and label in characters (RFC 1035, 2.3.4), longest address read at all.
HOST_CAP = 253
LABEL_CAP = 63
URL_CAP = 65_536

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_TAB_AND_NEWLINE = str.maketrans("", "", "\t\n\r")
_PARTS = re.compile(r"(https?|wss?):[/\\]*([^/\\?#]*)([^?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::([0-9]{1,5}))?")
_NOT_IN_AUTHORITY = re.compile(r"[\x00-\x20\x7f@/\\?#]")


class MalformedAddress(ValueError):
    """No browser would connect to this, or origins would disagree what it names. One line, fit to be shown."""


@dataclass(frozen=True, slots=True)
class Address:
    """A canonical address.

    `host` is ASCII, lower case, without trailing dot and brackets. `path` and `query` (without `?`) are capped at
    PATH_CAP characters. `ip` is set when the host is an address literal, in whatever form it was written.
    """

    scheme: str
    host: str
    port: int
    path: str = "/"
    query: str = ""
    ip: IPv4Address | IPv6Address | None = None

    @property
    def url(self) -> str:
        """The address as text; parsing it gives this value back."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}" + (f"?{self.query}" if self.query else "")


def parse(url: str) -> Address:
    """Read an absolute http, https, ws or wss address as a browser does. Raises MalformedAddress."""
    if len(url) > URL_CAP:
        raise MalformedAddress(f"address longer than {URL_CAP} characters")
    parts = _PARTS.fullmatch(url.strip(_C0_AND_SPACE).translate(_TAB_AND_NEWLINE))
    if not parts:
        raise MalformedAddress("not an absolute http, https, ws or wss address")
    scheme, authority, path, rest = parts[1].lower(), parts[2], parts[3], parts[4]
    if is_ambiguous(path):
        raise MalformedAddress("path with '..' that servers read differently")
    parsed = _whatwg(f"{scheme}://{authority}{merge_slashes(path)}{rest}")
    host = _finished(parsed.hostname)
    port = int(parsed.port) if parsed.port else DEFAULT_PORTS[scheme]
    if port == 0:
        raise MalformedAddress("port 0")
    canonical_path = capped(decode_unreserved(parsed.pathname))
    query = capped(decode_unreserved(parsed.search.removeprefix("?")))
    return Address(scheme, host, port, canonical_path, query, literal(host))


@lru_cache(maxsize=16_384)
def canonical_host(text: str) -> str:
    """One spelling of a host name or address literal (IPv6 with or without brackets). Raises MalformedAddress."""
    if len(text) > URL_CAP or _NOT_IN_AUTHORITY.search(text):
        raise MalformedAddress("host with a control character, a blank or one of @ / \\ ? #")
    bare = text.count(":") > 1 and not text.startswith("[")
    bracketed = f"[{text}]" if bare else text
    if ":" in bracketed and not (bracketed.startswith("[") and bracketed.endswith("]")):
        raise MalformedAddress("host with a port or a stray colon")
    return _finished(_whatwg(f"http://{bracketed}/").hostname)


def parse_authority(text: str, default_port: int | None = None) -> tuple[str, int]:
    """Host and port of a CONNECT target or a Host header: `host:port`, `[v6]:port`. Raises MalformedAddress.

    Without `default_port` the port is required (RFC 9110, 9.3.6). Userinfo, paths and blanks are refused.
    """
    if len(text) > URL_CAP or _NOT_IN_AUTHORITY.search(text):
        raise MalformedAddress("not host:port")
    parts = _AUTHORITY.fullmatch(text)
    if not parts:
        raise MalformedAddress("not host:port")
    port = int(parts[2]) if parts[2] else default_port
    if port is None:
        raise MalformedAddress("no port")
    if not 0 < port < 65_536:
        raise MalformedAddress(f"port {port} is not between 1 and 65535")
    return canonical_host(parts[1]), port


@lru_cache(maxsize=16_384)
def literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a canonical host is, or None for a name."""
    if ":" in host:
        return IPv6Address(host)
    # WHATWG: a host whose last label is a number is an IPv4 address, or it was refused.
    return IPv4Address(host) if host[-1:].isdigit() and host.rpartition(".")[2].isdigit() else None


def display_host(host: str) -> str:
    """A canonical host for people: Unicode, with the ASCII form beside it when they differ."""
    if "xn--" not in host:
        return host
    unicode = can_ada.idna_decode(host.encode("ascii"))  # type: ignore[arg-type]  # its stub says str; it takes bytes
    return f"{unicode} ({host})" if unicode and unicode != host else host


def _whatwg(url: str) -> can_ada.URL:
    try:
        url.encode()  # can_ada answers a lone surrogate with TypeError
        return can_ada.parse(url)
    except ValueError:
        raise MalformedAddress("not an address that a browser would open") from None


@lru_cache(maxsize=16_384)
def _finished(hostname: str) -> str:
    """A WHATWG host without brackets and trailing dots, within the limits of the DNS."""
    if hostname.startswith("["):
        return hostname[1:-1]
    host = hostname.rstrip(".")
    if host != hostname:  # "1.2.3.4.." is a name for WHATWG, and an address for the resolver
        host = _whatwg(f"http://{host}/").hostname if host else ""
    if not host or len(host) > HOST_CAP:
        raise MalformedAddress(f"host empty or longer than {HOST_CAP} characters")
    if any(not 0 < len(label) <= LABEL_CAP for label in host.split(".")):
        raise MalformedAddress(f"host with a label that is empty or longer than {LABEL_CAP} characters")
    return host
