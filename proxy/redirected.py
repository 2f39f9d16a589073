"""What a redirected connection says of itself: where the kernel knows it was meant to go, and which site it names.

Read strictly and without waiting; what cannot be read is refused by the caller. Nothing here is believed yet.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Protocol

from proxy.beginning import LINE_CAP, Beginning, beginning_of
from proxy.block_page import Ask, ask_of
from proxy.client_hello import hello_of, is_whole
from proxy.detectors.opening import named, undecided
from proxy.facts import OPENING_CAP
from proxy.head import END, MalformedHead, parse_head

if TYPE_CHECKING:
    from proxy.connect import IPAddress

# Linux, include/uapi/linux/netfilter_ipv4.h and netfilter_ipv6/ip6_tables.h: the same number at either level.
_SO_ORIGINAL_DST = 80
_SOCKADDR_IN, _SOCKADDR_IN6 = 16, 28  # bytes

_TLS = b"\x16\x03"  # RFC 8446, section 5.1: a handshake record of version 3.x


class Accepted(Protocol):
    """The part of a socket that is asked here."""

    @property
    def family(self) -> int:
        """AF_INET or AF_INET6."""

    def getsockopt(self, level: int, name: int, size: int, /) -> bytes:
        """Read an option. Raises OSError."""

    def getsockname(self) -> tuple[str, int]:
        """Our own end."""


class NotTheWeb(ValueError):
    """The bytes begin neither TLS nor HTTP."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the client says: the host that it names, as sent, and whether it speaks TLS."""

    name: str | None
    tls: bool
    ask: Ask = field(default_factory=Ask)


def original_destination(sock: Accepted) -> tuple[IPAddress, int] | None:
    """Give the address and port that a client meant to reach; None where no router redirected its connection."""
    try:
        meant = _original(sock)
    except OSError:  # the kernel tracks no such connection
        return None
    address, port = sock.getsockname()[:2]
    return None if meant == (ip_address(address.partition("%")[0]), port) else meant


def _original(sock: Accepted) -> tuple[IPAddress, int]:
    if sock.family == socket.AF_INET6:
        raw = sock.getsockopt(socket.IPPROTO_IPV6, _SO_ORIGINAL_DST, _SOCKADDR_IN6)
        return IPv6Address(raw[8:24]), int.from_bytes(raw[2:4])
    raw = sock.getsockopt(socket.IPPROTO_IP, _SO_ORIGINAL_DST, _SOCKADDR_IN)
    return IPv4Address(raw[4:8]), int.from_bytes(raw[2:4])


def speaks_tls(data: bytes | bytearray) -> bool:
    """Say whether what has come may be the beginning of TLS."""
    return _TLS.startswith(data[:2])


def claim_of(data: bytes | bytearray, start: int, head_bytes: int) -> Claim | None:
    """Read a whole ClientHello or HTTP head; None where more of it has to come.

    `start` is where the end of a head has not been looked for yet, `head_bytes` how long one may be. Raises NotTheWeb,
    MalformedHello or MalformedHead.
    """
    if speaks_tls(data):
        return Claim(hello_of(bytes(data)).name, tls=True) if is_whole(data) else None
    if start < LINE_CAP and not has_begun(data):  # else it is known already
        return None
    end = data.find(END, start)
    if end < 0 and len(data) <= head_bytes:
        return None
    if end < 0 or end > head_bytes:
        raise MalformedHead("the head is too large")
    head = parse_head(bytes(data[:end]))
    if not head.target.startswith("/"):
        raise MalformedHead("a request to a proxy on a redirected connection")
    host = head.value(b"host")
    return Claim(host.decode("latin-1") if host else None, tls=False, ask=ask_of(head.fields, head.method))


def has_begun(data: bytes | bytearray) -> bool:
    """Say whether what has come is TLS or a request already; False where more of it has to tell.

    Judged as behind CONNECT (proxy/next_layer.py), and no more than LINE_CAP of it is read. Raises NotTheWeb.
    """
    if speaks_tls(data):
        return len(data) > len(_TLS)
    opening = bytes(data[:LINE_CAP])
    begun = beginning_of(opening)
    waits = begun is Beginning.MORE and not named(opening)
    if waits or (begun is Beginning.UNKNOWN and len(data) < OPENING_CAP and undecided(opening)):
        return False
    if begun is not Beginning.HTTP:
        raise NotTheWeb("neither TLS nor HTTP")
    return True
