"""Files that make a machine leave by another way: PAC scripts, configurations of VPNs, Apple's profiles.

A page about them is HTML, and passes: no program reads its configuration from a page.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from proxy import reasons
from proxy.scanning.answer import Kind
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.scanning.answer import Answer
    from proxy.snapshot import PolicySnapshot

_REASON = "bypass.proxy-configuration"
_PAC = Match(_REASON, reasons.title_of(_REASON))
_VPN = Match(_REASON, reasons.title_of(_REASON), "vpn")  # who may use a VPN may fetch its configuration

_PAC_TYPES = frozenset({"application/x-ns-proxy-autoconfig", "application/x-javascript-config"})
_PROFILE = "application/x-apple-aspen-config"

#: A PAC file is a script; JSON is none (it begins with an object, which is no statement).
_MAY_BE_PAC = frozenset({Kind.TEXT, Kind.XML, Kind.BENCODE, Kind.MEDIA, Kind.BINARY})

#: Declared types of what is no script: answers of an AI, a forge, a framework. A reader of PAC files believes no type,
#: so they count only where the request is none of its own: those are a GET without Sec-Fetch-Dest.
_WORDS = frozenset(
    {"application/json", "text/event-stream", "application/x-ndjson", "text/markdown", "text/x-component"}
)

#: What keeps JSON from being run: no script begins so, or it never comes to its end.
_GUARD = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\)\]\}|for\s*\(;;\)|while\s*\(1\))")

#: What may stand before the first section of WireGuard's file; its reader takes nothing else there.
_BEFORE_SECTIONS = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t\r]*(?:#[^\n]*)?\n)*\s*")

_MAY_BE_CONFIGURATION = frozenset({Kind.TEXT, Kind.BINARY})

_REMOTE = frozenset({"ovpn-remote"})
_TUNNELS = frozenset({"ovpn-ca", "ovpn-dev"})
_WIREGUARD = frozenset({"wg-interface", "wg-key"})
_APPLE = frozenset({"profile", "profile-vpn"})


def configuration(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise what configures a proxy or a VPN. The district's own PAC file is ours, and never comes here."""
    answer = facts.answer
    if answer is None:
        return None
    if answer.declared in _PAC_TYPES:
        return _PAC
    marks = answer.marks
    if not marks:
        return None
    if "pac" in marks and answer.kind in _MAY_BE_PAC and not _is_no_script(answer, facts):
        return _PAC
    if marks >= _APPLE and (answer.kind is Kind.XML or answer.declared == _PROFILE or _is_profile(answer.name)):
        return _VPN
    if answer.kind not in _MAY_BE_CONFIGURATION:
        return None
    openvpn = marks >= _REMOTE and not marks.isdisjoint(_TUNNELS)
    return _VPN if openvpn or (marks >= _WIREGUARD and _begins_with_section(answer)) else None


def _is_no_script(answer: Answer, facts: RequestFacts) -> bool:
    """Whether it cannot be a PAC file: a script that a page loads, words that it reads, or JSON."""
    wanted = facts.fields.get("sec-fetch-dest", "")
    if wanted == "script" or ((wanted or facts.method != "GET") and answer.declared in _WORDS):
        return True
    return _GUARD.match(answer.data) is not None or (answer.is_whole and _is_json(answer.data))


def _is_json(data: bytes) -> bool:
    """Whether all of it is an array of JSON: its beginning could be a script's first statement."""
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        return False
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _begins_with_section(answer: Answer) -> bool:
    """Whether the first line that is no comment is a section, as in WireGuard's file and not in a text about one."""
    plain = answer.data.removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff").replace(b"\0", b"")
    before = _BEFORE_SECTIONS.match(plain)
    rest = plain[before.end() :] if before else plain
    return not rest or rest.startswith(b"[") or answer.kind is not Kind.TEXT


def _is_profile(name: str) -> bool:
    return name.endswith(".mobileconfig")
