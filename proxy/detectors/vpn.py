"""VPNs other than OpenVPN: by their first bytes, and those over HTTPS by what they ask a gateway for.

The district's own gateway is approved by its name: `passthrough` or `approved_tunnels`.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from proxy import reasons
from proxy.detectors.signature import Signature, all_of, among, at, number, prefix
from proxy.snapshot import covering_name
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_REASON = "bypass.vpn"
_MATCH = Match(_REASON, reasons.title_of(_REASON), "vpn")

#: WireGuard's first message: type 1, three zeros, 148 bytes. Over TCP it mostly has its length before it.
_WIREGUARD = b"\x01\0\0\0"
_WIREGUARD_LENGTH = 148
_NO_COOKIE = bytes(16)  # how it ends, where no server under load asked for one

_HEX = frozenset(b"0123456789abcdef")
_TROJAN_KEY = 56  # characters: a SHA-224
_TROJAN_REQUEST = all_of(
    at(_TROJAN_KEY, b"\r\n"), among(_TROJAN_KEY + 2, b"\x01\x03"), among(_TROJAN_KEY + 3, b"\x01\x03\x04")
)

#: VLESS: version 0, a random UUID (RFC 9562, section 5.4: version 4, variant 10), what is added, command, port, kind.
_UUID = all_of(among(0, b"\0"), among(7, bytes(range(0x40, 0x50))), among(9, bytes(range(0x80, 0xC0))))
_ADDED = 17
_IPV4, _NAME, _IPV6 = 1, 2, 3
_VISION = b"\x12\n\x10xtls-rprx-vision"


def _bare_wireguard(data: bytes) -> bool | None:
    if not _WIREGUARD.startswith(data[:4]):
        return False
    if len(data) < _WIREGUARD_LENGTH:
        return None
    return data[_WIREGUARD_LENGTH - len(_NO_COOKIE) : _WIREGUARD_LENGTH] == _NO_COOKIE


def _trojan(data: bytes) -> bool | None:
    return all(byte in _HEX for byte in data[:_TROJAN_KEY]) and _TROJAN_REQUEST(data)


def _vless(data: bytes, kinds: frozenset[int]) -> bool | None:
    """Recognise a request to an address of one of these kinds."""
    begins = _UUID(data)
    if not begins:
        return begins
    added = data[_ADDED : _ADDED + len(_VISION)]
    if added[:1] == b"\0":
        end = _ADDED + 1
    elif _VISION.startswith(added):
        end = _ADDED + len(_VISION)
    else:
        return False
    return _vless_request(data, end, kinds)


def _vless_request(data: bytes, start: int, kinds: frozenset[int]) -> bool | None:
    """Connect or associate, a port, an address, or a name of so many printable characters with a dot among them."""
    command, port, kind = number(data, start, 1), number(data, start + 1, 2), number(data, start + 3, 1)
    if command not in (None, 1, 2) or port == 0 or (kind is not None and kind not in kinds):
        return False
    if kind != _NAME:
        return None if kind is None else True
    length = number(data, start + 4, 1)
    name = data[start + 5 : start + 5 + (length or 0)]
    if length == 0 or any(not 0x21 <= byte < 0x7F for byte in name):
        return False
    return b"." in name if length is not None and len(name) == length else None


SIGNATURES = (
    Signature(_REASON, prefix(b"\0\x94" + _WIREGUARD, b"\x94\0" + _WIREGUARD), certain=False),
    Signature(_REASON, _bare_wireguard, certain=False),  # numbers and zeros, as any record of fixed length has
    Signature(_REASON, prefix(b"\0\x9c\0\x01\x1a\x2b\x3c\x4d")),  # PPTP: RFC 2637, section 2.1
    Signature(_REASON, prefix(b"IKETCP")),  # IPsec in TCP: RFC 9329, section 4
    Signature(_REASON, prefix(b"SSTP_DUPLEX_POST ")),  # a method of [MS-SSTP], 3.2.4.1
    Signature(_REASON, prefix(b"CONNECT /CSCO")),  # AnyConnect, inside TLS
    Signature(_REASON, _trojan),
    Signature(_REASON, all_of(_UUID, at(_ADDED, _VISION))),
    Signature(_REASON, partial(_vless, kinds=frozenset({_NAME}))),
    Signature(_REASON, partial(_vless, kinds=frozenset({_IPV4, _IPV6})), certain=False),
)

#: What clients of gateways call themselves when they ask a proxy for a tunnel (openconnect: measured).
_AGENTS = re.compile(r"anyconnect|openconnect|globalprotect|fortisslvpn|softether|pulse.?secure|junos.?pulse|openvpn")

#: Paths at which gateways open a tunnel, or hand out what one needs; pages that name them have another path.
_PATHS = frozenset(
    {
        "/cscosslc/tunnel",  # AnyConnect
        *("/vpnsvc/connect.cgi", "/vpnsvc/vpn.cgi"),  # SoftEther
        *("/ssl-tunnel-connect.sslvpn", "/ssl-vpn/prelogin.esp", "/ssl-vpn/login.esp", "/ssl-vpn/getconfig.esp"),
        *("/global-protect/prelogin.esp", "/global-protect/getconfig.esp"),  # GlobalProtect
        *("/remote/sslvpn-tunnel", "/remote/sslvpn-tunnel2", "/remote/fortisslvpn", "/remote/fortisslvpn_xml"),
        "/vdesk/vpn/connect.php3",  # F5
    }
)
#: Paths that a page may have too: Tailscale's control protocol, F5, Array. More of the request has to tell.
_PLAIN_PATHS = ("/ts2021", "/myvpn", "/vpntunnel")
_F5_QUERY = re.compile(r"(?:^|&)(?:sess=[0-9A-Fa-f]{8,}(?:&|$)|hdlc_framing=)")
_SSTP_METHOD, _SSTP_PATH = "SSTP_DUPLEX_POST", "/sra_%7bba195980-"  # [MS-SSTP], 2.2


def connect(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a VPN's client by the name that it gives itself. It may give another: inside, its requests tell."""
    agent = facts.fields.get("user-agent")
    if agent is None or not _AGENTS.search(agent.lower()):
        return None
    if (facts.host, facts.port) in snapshot.approved_tunnels or covering_name(facts.host, snapshot.passthrough):
        return None
    return _MATCH


def request(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise what is asked of a gateway: by field, path or method."""
    fields = facts.fields
    if "x-aggregate-auth" in fields or "x-transcend-version" in fields or "x-cstp-version" in fields:
        return _MATCH
    path = facts.path.lower()
    if path in _PATHS or path.startswith(_SSTP_PATH) or facts.method == _SSTP_METHOD:
        return _MATCH
    if path.endswith(_PLAIN_PATHS) and _opens_tunnel(path, facts):
        return _MATCH
    subprotocols = fields.get("sec-websocket-protocol")
    if subprotocols is not None and "derp" in _offered(subprotocols):
        return _MATCH  # Tailscale's relays, where an Upgrade to their own protocol does not get through
    return None


def _opens_tunnel(path: str, facts: RequestFacts) -> bool:
    """Ask what the clients send beside a path (openconnect's array.c and f5.c; tailscale's controlhttp)."""
    if path == "/ts2021":
        return facts.method == "POST" or "upgrade" in facts.fields
    if path == "/myvpn":
        return _F5_QUERY.search(facts.query) is not None
    return path.endswith("/vpntunnel") and ("appid" in facts.fields or "clientid" in facts.fields)


def _offered(field: str) -> list[str]:
    return [name.strip().lower() for name in field.split(",")]
