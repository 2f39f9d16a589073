"""DNS over HTTPS (RFC 8484), its JSON forms and ODoH (RFC 9230): known by what is asked, at whatever host and path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from proxy import reasons
from proxy.detectors.dns_message import encoded_query, is_query
from proxy.detectors.whole_target import whole_target
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_REASON = "bypass.encrypted-dns"
_MATCH = Match(_REASON, reasons.title_of(_REASON), "encrypted-dns")

#: RFC 8484; the JSON forms of Google and Cloudflare; the draft before RFC 8484; RFC 9230.
_TYPES = (
    "application/dns-message",
    "application/dns-json",
    "application/dns+json",
    "application/dns-udpwireformat",
    "application/oblivious-dns-message",
)

#: Types that people and programs ask for, in text or as a number up to 65535.
_RECORD_TYPES = frozenset(
    {
        *("a", "aaaa", "any", "caa", "cname", "dnskey", "ds", "https", "mx", "naptr", "ns", "ptr", "soa", "srv"),
        *("svcb", "tlsa", "txt"),
    }
)

#: What Google's JSON form may say; without a type it asks for A.
_JSON_PARAMETERS = frozenset({"name", "type", "cd", "ct", "do", "edns_client_subnet", "random_padding"})
_HOST = re.compile(r"(?:[\w-]{1,63}\.)+[\w-]{2,63}\.?")

#: Firefox asks for it before it turns encrypted DNS on by itself; it is never a site.
_CANARY = "use-application-dns.net"


def request(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a query in the address, or a content type that nothing else uses."""
    fields, query = facts.fields, whole_target(facts)[1]
    if "content-type" in fields and _is_type(fields["content-type"]):
        return _MATCH
    if "accept" in fields and _is_type(fields["accept"]):
        return _MATCH
    if query and (("dns=" in query and _is_query(query)) or ("name=" in query and _is_json(facts.path, query))):
        return _MATCH
    return _MATCH if facts.host == _CANARY else None


def body(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a request whose body begins with a whole DNS query, whatever its type says."""
    return _MATCH if facts.body is not None and is_query(facts.body) is True else None


def _is_type(said: str) -> bool:
    said = said.lower()
    return "dns" in said and any(each in said for each in _TYPES)


def _is_query(query: str) -> bool:
    return any(encoded_query(value) for value in _values(query, "dns"))


def _is_json(path: str, query: str) -> bool:
    if path.endswith("/dns-query"):
        return True
    return path.endswith("/resolve") and _is_look_up(query)


def _is_look_up(query: str) -> bool:
    """A name with a dot and a type of DNS, or a host and nothing of its own: other APIs resolve names as well."""
    kinds = [value.lower() for value in _values(query, "type")]
    names = _values(query, "name")
    if not kinds:
        asked = {part.partition("=")[0] for part in query.split("&")}
        return asked <= _JSON_PARAMETERS and any(_HOST.fullmatch(name) for name in names)
    known = any(kind in _RECORD_TYPES or (kind.isdecimal() and len(kind) <= 5) for kind in kinds)
    return known and any("." in name for name in names)


def _values(query: str, name: str) -> list[str]:
    """Every value of a parameter."""
    start = f"{name}="
    return [unquote(part[len(start) :]) for part in query.split("&") if part.startswith(start)]
