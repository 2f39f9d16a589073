"""What somebody searched for, out of a request to a search engine: kept only where the district's settings say so.

Only what a person went to counts: suggestions that a page asks for with every letter are no search.
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

#: Longest text kept, in characters (the usage log cuts at 256).
CAP: Final = 200

#: Paths that take a person from a page of results to one of them: what stands in `q` is an address.
_LEAVING: Final = frozenset({"/url", "/imgres", "/l/", "/ck/a"})


def searched(address: Address, intent: Intent) -> str | None:
    """Return what was searched for, on one line; None where that cannot be told. Hostile text raises nothing."""
    if intent is not Intent.NAVIGATE or not address.query or address.path in _LEAVING:
        return None
    if (name := _parameter(address.host)) is None:
        return None
    try:
        pairs = parse_qsl(address.query, errors="replace", max_num_fields=200)
    except ValueError:  # too many fields for anything that a person sends
        return None
    terms = next((value for key, value in pairs if key.lower() == name), "")
    return _one_line(terms) or None


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text[: 2 * CAP]).strip()[:CAP]


def _parameter(host: str) -> str | None:
    """Return the parameter in which the engine of a host takes its question; None for all other hosts."""
    hosts, domains = _parameters()
    if host in hosts:
        return hosts[host]
    while host:
        if host in domains:
            return domains[host]
        host = host.partition(".")[2]
    return None


@cache
def _parameters() -> tuple[Mapping[str, str], Mapping[str, str]]:
    engines = search_hosts().values()
    hosts = {host: engine.terms for engine in engines for host in engine.hosts if engine.terms}
    return hosts, {domain: engine.terms for engine in engines for domain in engine.domains if engine.terms}
