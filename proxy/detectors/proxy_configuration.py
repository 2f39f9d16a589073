"""Files that make a machine leave by another way: PAC scripts, configurations of VPNs, Apple's profiles.

A page about them is HTML, and passes: no program reads its configuration from a page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy import reasons
from proxy.scanning.answer import Kind
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_REASON = "bypass.proxy-configuration"
_PAC = Match(_REASON, reasons.title_of(_REASON))
_VPN = Match(_REASON, reasons.title_of(_REASON), "vpn")  # who may use a VPN may fetch its configuration

_PAC_TYPES = frozenset({"application/x-ns-proxy-autoconfig", "application/x-javascript-config"})
_PROFILE = "application/x-apple-aspen-config"

#: A PAC file is a script; JSON is none (it begins with an object, which is no statement).
_MAY_BE_PAC = frozenset({Kind.TEXT, Kind.XML, Kind.BENCODE, Kind.MEDIA, Kind.BINARY})
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
    if "pac" in marks and answer.kind in _MAY_BE_PAC:
        return _PAC
    if marks >= _APPLE and (answer.kind is Kind.XML or answer.declared == _PROFILE or _is_profile(answer.name)):
        return _VPN
    if answer.kind not in _MAY_BE_CONFIGURATION:
        return None
    openvpn = marks >= _REMOTE and not marks.isdisjoint(_TUNNELS)
    return _VPN if openvpn or marks >= _WIREGUARD else None


def _is_profile(name: str) -> bool:
    return name.endswith(".mobileconfig")
