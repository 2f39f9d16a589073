"""Changes of protocol on an HTTP/1.1 connection: behind a 101 nothing is HTTP any more (RFC 9110, section 7.8).

WebSocket can be filtered. Some offers are made by ordinary clients with every request, and an origin that is not
offered them answers in HTTP/1.1: these are dropped in silence (proxy/hop_by_hop.py). What is left asks for a tunnel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy import reasons
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

#: WebSocket; HTTP/2 as Java's HttpClient and curl offer it; TLS as printers and CUPS do (RFC 2817); and HTTP itself.
_HARMLESS = frozenset({"", "websocket", "h2", "h2c", "http", "tls"})

#: Protocols that say more than that they cannot be filtered.
_KNOWN = {
    "connect-udp": "bypass.masque",  # RFC 9298
    "connect-ip": "bypass.masque",  # RFC 9484
    "connect-tcp": "bypass.masque",
    "connect-ethernet": "bypass.masque",
    "if-t": "bypass.vpn",  # IF-T/TLS: Pulse and Ivanti
    "derp": "bypass.vpn",  # Tailscale's relays
    "tailscale-control-protocol": "bypass.vpn",
}


def request(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise an offer to change to what cannot be filtered."""
    offered = facts.fields.get("upgrade")
    if offered is None:
        return None
    names = (each.strip().lower().partition("/")[0] for each in offered.split(","))
    wrong = next((name for name in names if name not in _HARMLESS), None)
    if wrong is None:
        return None
    reason = _KNOWN.get(wrong, "bypass.upgrade")
    return Match(reason, reasons.title_of(reason))
