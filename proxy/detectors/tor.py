"""Tor: between relays by ClientHello and first cell, its services, its directory, and what carries it elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy import reasons
from proxy.detectors.signature import Signature, number, prefix
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_REASON = reasons.TOR
_MATCH = Match(_REASON, reasons.title_of(_REASON), "tor")

_VERSIONS = b"\0\0\x07"  # circuit 0, command 7 (tor-spec, "VERSIONS cells")
_LENGTHS = range(2, 33, 2)  # two bytes a version
_NEWEST = 15

#: How a snowflake's stream over WebSocket begins (turbotunnel's token).
_TURBOTUNNEL = b"\x12\x93\x60\x5d\x27\x81\x75\xf5"


def _versions(data: bytes) -> bool | None:
    if not _VERSIONS.startswith(data[:3]):
        return False
    length = number(data, 3, 2)
    if length is not None and length not in _LENGTHS:
        return False
    version = number(data, 5, 2)
    return None if version is None else 0 < version <= _NEWEST


SIGNATURES = (Signature(_REASON, _versions, certain=False), Signature(_REASON, prefix(_TURBOTUNNEL)))

#: Names of services: RFC 7686, and I2P's.
_SERVICES = (".onion", ".i2p")
#: A service's name below a gateway's: as a label before `onion`, or as a label that nothing else is like (version 3).
_GATEWAY = re.compile(r"(?:^|\.)(?:[a-z2-7]{16}|[a-z2-7]{55}d)\.onion\.")
_LABEL = re.compile(r"[a-z2-7]{55}d\.")
_LABEL_LENGTH = 56

#: A relay is asked for by a made-up name, `www.`, 4 to 25 characters of base 32, `.com` (tor's crypto_random_hostname).
_MADE_UP = re.compile(r"www\.(?=[a-z2-7]*(?:[2-7]|[b-df-hj-np-tv-xz]{5}))[a-z2-7]{4,25}\.com")

#: dir-spec, "general-use HTTP URLs"; how bridges are handed out; snowflake's broker through a cache.
_DIRECTORY = re.compile(r"/tor/(?:status-vote/|micro/d/|server/(?:d|fp|all|authority)\b|keys/(?:all|fp|authority)\b)")
_MOAT = ("/moat/fetch", "/moat/check", "/moat/circumvention/")
_ASKED = ("/tor/", "/moat/")
_CACHED_BROKER = "/amp/client/0"

_MEEK_SESSION = re.compile(r"[A-Za-z0-9+/]{11}")  # eight bytes in base 64, unpadded (meek-client)


def service(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a service's name before anybody is asked for its address (RFC 7686, section 2)."""
    return _MATCH if facts.target_host.endswith(_SERVICES) else None


def hello(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a ClientHello to a relay: to an address, without ALPN, for a name that no person made up."""
    if facts.ip is None or facts.alpn or not facts.sni:
        return None
    return _MATCH if _MADE_UP.fullmatch(facts.sni) else None


def request(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a gateway to services, Tor's directory, and the carriers that look like requests."""
    host, path, fields = facts.host, facts.path, facts.fields
    if host.endswith(_SERVICES) or (".onion." in host and _GATEWAY.search(host)):
        return _MATCH
    if host.find(".") == _LABEL_LENGTH and _LABEL.match(host):
        return _MATCH
    if path.startswith(_ASKED) and (_DIRECTORY.match(path) or path.startswith(_MOAT)):
        return _MATCH
    if "snowflake-nat-type" in fields or _CACHED_BROKER in path:
        return _MATCH
    return _MATCH if "x-session-id" in fields and _is_meek(facts) else None


def _is_meek(facts: RequestFacts) -> bool:
    """Other sites have a field of that name: none of them asks for bytes of no type, by nobody, with nothing else."""
    fields = facts.fields
    bare = not any(name in fields for name in ("content-type", "origin", "referer", "accept"))
    return bare and facts.method == "POST" and _MEEK_SESSION.fullmatch(fields["x-session-id"]) is not None
