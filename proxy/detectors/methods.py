"""Methods that open tunnels. Those of the web, WebDAV and its relatives are known by name; others are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy import reasons
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_WEB = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "QUERY"})

#: The rest of IANA's registry of methods, less CONNECT and PRI.
_REGISTERED = frozenset(
    {
        *("ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "COPY", "LABEL", "LINK", "LOCK", "MERGE"),
        *("MKACTIVITY", "MKCALENDAR", "MKCOL", "MKREDIRECTREF", "MKWORKSPACE", "MOVE", "ORDERPATCH", "PROPFIND"),
        *("PROPPATCH", "REBIND", "REPORT", "SEARCH", "UNBIND", "UNCHECKOUT", "UNLINK", "UNLOCK", "UPDATE"),
        *("UPDATEREDIRECTREF", "VERSION-CONTROL"),
    }
)

#: In use without being registered: caches, UPnP, Exchange, background transfers of Windows, Configuration Manager.
_IN_USE = frozenset(
    {
        *("PURGE", "BAN", "VIEW", "M-SEARCH", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "POLL", "BCOPY", "BDELETE"),
        *("BMOVE", "BPROPFIND", "BPROPPATCH", "X-MS-ENUMATTS", "BITS_POST", "CCM_POST"),
    }
)

#: RPC over HTTP ([MS-RPCH]): Outlook Anywhere; a remote desktop gateway is asked for by its port ([MS-TSGU], 2.1).
_RPC = frozenset({"RPC_IN_DATA", "RPC_OUT_DATA"})
_GATEWAY = ":3388"

_HARMLESS = _WEB | _REGISTERED | _IN_USE

#: Methods that say more than that they are unknown.
_KNOWN = {
    "SSTP_DUPLEX_POST": "bypass.vpn",  # MS-SSTP
    "RDG_IN_DATA": "bypass.remote-desktop",  # MS-TSGU
    "RDG_OUT_DATA": "bypass.remote-desktop",
}

#: Fields by which a request says that its method is another one (X-HTTP-Method: OData and SharePoint).
OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")


def request(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a method that nothing harmless uses, be it in the request line or in a field that overrides it."""
    if facts.method not in _HARMLESS:
        return _unless_mail(facts)
    fields = facts.fields
    for name in OVERRIDES:
        if name in fields and (claimed := fields[name].strip().upper()) not in _HARMLESS:
            return _match(claimed)
    return None


def _unless_mail(facts: RequestFacts) -> Match | None:
    if facts.method not in _RPC:
        return _match(facts.method)
    return _match("RDG_IN_DATA") if facts.query.endswith(_GATEWAY) else None


def _match(method: str) -> Match:
    reason = _KNOWN.get(method, "bypass.method")
    return Match(reason, reasons.title_of(reason))
