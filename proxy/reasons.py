"""Every reason code, with the English words for it, and the HTTP status of the answer. docs/reasons.md lists the same.

A code is stable: it stands in the usage log for years. Codes of list categories are made from the taxonomy.
"""

from __future__ import annotations

from categories.taxonomy import CATEGORIES

DEFAULT = "default"
UNBLOCK = "unblock"
ITS_BLOCK = "its-block"
WHITE_LIST = "white-list"
MALFORMED = "protocol.malformed"

RAW = "bypass.raw"
ECH = "bypass.ech"
PROXY_CHAIN = "bypass.proxy-chain"
TOR = "bypass.tor"
FAKE_TLS = "bypass.fake-tls"
NESTED = "bypass.nested-address"

PORT = "address.port"
PRIVATE = "address.private"
LITERAL = "address.literal"
MISMATCH = "address.mismatch"

#: Reasons that are a technique, not a property of a site. No setting and no unblock lifts these two: private
#: destinations are listed in private_networks with an owner, and a lie about the destination stays a lie.
NEVER_LIFTED = frozenset({PRIVATE, MISMATCH})

#: Code -> title. A title completes "recognised as …" or stands alone.
_TITLES: dict[str, str] = {
    DEFAULT: "nothing in the policy blocks it",
    UNBLOCK: "unblocked by ITS",
    WHITE_LIST: "on a white list",
    ITS_BLOCK: "blocked by ITS",
    MISMATCH: "request for another site than its connection was opened to",
    PRIVATE: "private or reserved network address",
    LITERAL: "address without a name",
    PORT: "port that is not allowed",
    RAW: "unknown protocol inside a tunnel",
    "bypass.segments": "first bytes split to hide the protocol",
    "bypass.upgrade": "change to a protocol that cannot be filtered",
    "bypass.method": "method that opens a tunnel",
    ECH: "hidden server name (ECH)",
    "bypass.ssh": "SSH",
    "bypass.socks": "SOCKS proxy",
    PROXY_CHAIN: "proxy behind the proxy",
    "bypass.tls-in-tls": "TLS inside TLS",
    FAKE_TLS: "imitation of TLS",
    "bypass.websocket-tunnel": "tunnel over WebSocket",
    "bypass.http-tunnel": "tunnel over HTTP",
    "bypass.remote-desktop": "remote desktop",
    "bypass.turn": "TURN relay",
    "bypass.vpn": "VPN",
    "bypass.encrypted-dns": "encrypted DNS",
    "bypass.dns": "DNS around the district's resolver",
    "bypass.relay": "privacy relay",
    "bypass.masque": "proxying over HTTP/3 (MASQUE)",
    TOR: "Tor",
    "bypass.web-proxy": "web proxy",
    NESTED: "blocked address inside another address",
    "bypass.proxy-configuration": "proxy or VPN configuration file",
    "bypass.encrypted-archive": "encrypted archive",
    "bypass.encoding": "answer in a coding that cannot be read",
    "bypass.range": "part of an answer that cannot be judged",
    "download.program": "download of a program",
    "download.installer": "download of an installer",
    "download.script": "download of a script",
    "download.package": "download of an application package",
    "p2p.bittorrent": "BitTorrent",
    "p2p.ed2k": "eDonkey",
    "p2p.gnutella": "Gnutella",
    "p2p.direct-connect": "Direct Connect",
    "p2p.ipfs": "IPFS",
    "p2p.other": "peer-to-peer file sharing",
    "identity.required": "no user named",
    "identity.password": "wrong user name or password",
    "identity.disabled": "account is disabled",
    "identity.attempts": "too many wrong passwords",
    "upstream.dns": "the site's name was not found",
    "upstream.connect": "the site cannot be reached",
    "upstream.timeout": "the site did not answer in time",
    "upstream.certificate": "the site's certificate cannot be trusted",
    "upstream.tls": "no secure connection to the site",
    MALFORMED: "malformed request",
    "error.hook": "failure inside the filter",
    "error.timeout": "the filter took too long",
    "error.page": "the answer could not be made",
    "error.usage-log": "the usage log cannot be written",
}

REASONS: dict[str, str] = {f"category.{category.id}": category.title for category in CATEGORIES} | _TITLES

#: Detector families, as the first part of a code.
TECHNIQUES = ("bypass.", "p2p.", "address.", "download.")


def title_of(reason: str) -> str:
    """The words for a code; the code itself for one that a district's own category or a newer part made."""
    return REASONS.get(reason, reason)


def is_technique(reason: str) -> bool:
    """True for a detector's code."""
    return reason.startswith(TECHNIQUES)


def status_of(reason: str) -> int:
    """HTTP status of our answer to a refused request. 421 makes a browser open a new connection (RFC 9110, 15.5.20)."""
    if reason == MISMATCH:
        return 421
    if reason == MALFORMED:
        return 400
    family = reason.partition(".")[0]
    return {"identity": 407, "error": 503, "upstream": 504 if reason == "upstream.timeout" else 502}.get(family, 403)
