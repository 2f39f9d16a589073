"""Relays that hide where a request goes: Oblivious HTTP, MASQUE, the relays of vendors, and real ECH."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy import reasons
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_RELAY, _MASQUE, _ECH = (
    Match(reason, reasons.title_of(reason)) for reason in ("bypass.relay", "bypass.masque", reasons.ECH)
)

#: iCloud Private Relay (Apple names the first two to networks that have to refuse it), Chrome's prefetch proxy.
_RELAY_HOSTS = frozenset(
    {
        *("mask.icloud.com", "mask-h2.icloud.com", "mask-api.icloud.com", "mask-canary.icloud.com"),
        *("mask.apple-dns.net", "mask-t.apple-dns.net", "mask-api.fe.apple-dns.net"),
        *("tunnel.googlezip.net", "compress.googlezip.net"),
    }
)

#: The names that stand in a ClientHello where the real one is encrypted (RFC 9849): no site lives there.
_ECH_HOSTS = frozenset({"cloudflare-ech.com"})

#: Oblivious HTTP (RFC 9458) with one gateway behind it, the vendor's own: what browsers ask there is no page. Chrome's
#: Safe Browsing protects people, and breaks where it is refused.
_ONE_GATEWAY = frozenset(
    {
        *("google-ohttp-relay-safebrowsing.fastly-edge.com", "google-ohttp-relay-join.fastly-edge.com"),
        *("mozilla-ohttp.fastly-edge.com", "ohttp-merino.mozilla.fastly-edge.com"),
        "mozilla-ohttp-dap.mozilla.fastly-edge.com",
    }
)


def destination(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a relay by its name, before anything is sent to it."""
    host = facts.host
    if host in _RELAY_HOSTS:
        return _RELAY
    return _ECH if host in _ECH_HOSTS or facts.sni in _ECH_HOSTS else None


def request(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise what is said to a relay, whatever its name: Oblivious HTTP (RFC 9458), MASQUE (RFC 9298, RFC 9484)."""
    fields = facts.fields
    if "capsule-protocol" in fields or facts.path.startswith("/.well-known/masque/"):
        return _MASQUE
    asks = "content-type" in fields and _is_type(fields["content-type"])
    asks = asks or ("accept" in fields and _is_type(fields["accept"]))
    return _RELAY if asks and facts.target_host not in _ONE_GATEWAY else None


def _is_type(said: str) -> bool:
    said = said.lower()
    return "ohttp-" in said and ("message/ohttp-" in said or "application/ohttp-keys" in said)
