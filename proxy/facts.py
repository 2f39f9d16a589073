"""What is known about a connection or a request at one stage: plain values, no I/O, no clock, no mitmproxy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from ipaddress import IPv4Address, IPv6Address

    from proxy.scanning.answer import Answer

#: Longest path and query kept, in characters: long enough for any list entry, short enough for a log row.
PATH_CAP = 4096
#: A cap takes at most three more: half a triplet, or a dot segment that it would make.
_SURELY_WHOLE = PATH_CAP - 3


def uncut(target: str, path: str, query: str) -> str:
    """Give the path and query as sent where the canonical ones may have been cut at PATH_CAP, else ""."""
    return target if len(path) > _SURELY_WHOLE or len(query) > _SURELY_WHOLE else ""


class Stage(StrEnum):
    """How much is known. A stage knows all that the one before knew."""

    CONNECT = "connect"
    CLIENT_HELLO = "client_hello"
    REQUEST = "request"
    RESPONSE = "response"
    STREAM = "stream"


#: Only the host is known; a path in the facts means nothing.
HOST_STAGES = frozenset({Stage.CONNECT, Stage.CLIENT_HELLO})


class Intent(StrEnum):
    """Whose choice a request was (Sec-Fetch-*, Sec-Purpose): auditors must not read an advert as a person's act."""

    NAVIGATE = "navigate"
    SUBRESOURCE = "subresource"
    PREFETCH = "prefetch"
    BACKGROUND = "background"


class Carrier(StrEnum):
    """What carries bytes that are no request."""

    TUNNEL = "tunnel"  # behind CONNECT
    TLS = "tls"  # behind CONNECT, inside TLS that we opened
    WEBSOCKET = "websocket"


#: How much of each direction an Opening keeps, in bytes, and of one WebSocket message.
OPENING_CAP = 512
MESSAGE_CAP = 8192


@dataclass(frozen=True, slots=True)
class Opening:
    """How a stream of bytes that are no request begins."""

    carrier: Carrier
    client: bytes = b""  # the first bytes that the client sent, messages of a WebSocket put together
    server: bytes = b""  # and those of the origin
    message: bytes = b""  # the beginning of the WebSocket message that is judged


_NO_FIELDS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What is known at a stage. `host` is canonical (categories.address): lower case, ASCII, no trailing dot."""

    stage: Stage
    at: datetime  # UTC
    client: str  # the client's IP address
    method: str
    scheme: str  # "http", "https", "ws", "wss", or "tunnel" before TLS is seen
    host: str
    port: int
    path: str = "/"  # without query; capped at PATH_CAP characters
    query: str = ""
    uncut: str = ""  # path and query as they were sent, where one of them is longer than is kept above
    user: str | None = None
    identity: str | None = None  # the method that named the user: "local"
    identity_problem: str | None = None  # why nobody is named: "required", "password", "disabled", "attempts"
    school: str | None = None
    ip: IPv4Address | IPv6Address | None = None  # set when the host is an address literal
    addresses: tuple[IPv4Address | IPv6Address, ...] = ()  # what the name resolved to, once it has been asked
    tunnel_host: str | None = None  # the CONNECT target, when the request is inside a tunnel
    tunnel_port: int | None = None
    sni: str | None = None  # canonical; None where no ClientHello was seen or it named nobody
    host_header: str | None = None  # canonical host of Host or :authority; with ":port" where that differs from `port`
    original: IPv4Address | IPv6Address | None = None  # where a redirected connection was meant to go
    interceptable: bool = True  # False: TLS will not be opened, so no page can be shown inside it
    intent: Intent = Intent.BACKGROUND
    page: str | None = None  # the initiator's host, from Referer or Origin
    search_terms: str | None = None  # None, too, where the settings do not have them recorded
    fields: Mapping[str, str] = _NO_FIELDS  # of the head, names in lower case; those that a detector reads
    alpn: tuple[str, ...] = ()  # protocols that the ClientHello offers (RFC 7301)
    opening: Opening | None = None  # at stage STREAM
    body: bytes | None = None  # at stage STREAM: all of a request's body, where it is short
    answer: Answer | None = None  # at stage RESPONSE

    @property
    def target_host(self) -> str:
        """Where the bytes go: inside a tunnel the CONNECT target, whatever the request claims."""
        return self.host if self.tunnel_host is None else self.tunnel_host

    @property
    def target_port(self) -> int:
        """The port of `target_host`."""
        return self.port if self.tunnel_port is None else self.tunnel_port
