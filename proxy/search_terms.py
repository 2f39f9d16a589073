"""What somebody searched for, out of a request to a search engine: kept only where the district's settings say so.

Only the pages of results that a person went to count: suggestions that a page asks for with every letter are no search,
nor is an address on a map, an account, or a link out of an advertisement, whose parameter has the same name.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from config.rewritten_hosts import search_hosts
from proxy.facts import Intent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from categories.address import Address
    from config.rewritten_hosts import RewrittenHosts

#: Longest text kept, in characters (the usage log cuts at 256).
CAP: Final = 200


def searched(address: Address, intent: Intent) -> str | None:
    """Return what was searched for, on one line; None where that cannot be told. Hostile text raises nothing."""
    if intent is not Intent.NAVIGATE or not address.query:
        return None
    engine = _engine(address.host)
    if engine is None or address.path.rstrip("/") not in engine.pages:
        return None
    try:
        pairs = parse_qsl(address.query, errors="replace", max_num_fields=200)
    except ValueError:  # too many fields for anything that a person sends
        return None
    terms = next((value for key, value in pairs if key.lower() == engine.terms), "")
    return _one_line(terms) or None


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text[: 2 * CAP]).strip()[:CAP]


def _engine(host: str) -> RewrittenHosts | None:
    """Return the search engine of a host; None for all other hosts."""
    hosts, domains = _engines()
    if host in hosts:
        return hosts[host]
    while host:
        if host in domains:
            return domains[host]
        host = host.partition(".")[2]
    return None


@cache
def _engines() -> tuple[Mapping[str, RewrittenHosts], Mapping[str, RewrittenHosts]]:
    engines = [engine for engine in search_hosts().values() if engine.terms]
    hosts = {host: engine for engine in engines for host in engine.hosts}
    return hosts, {domain: engine for engine in engines for domain in engine.domains}
