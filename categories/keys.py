"""How entries become keys of the trie, and which keys an address has to be asked for.

A key is the host backwards and a dot, "moc.elpmaxe.", so every domain entry that covers a host is a prefix of the
host's own key, and ends at a label. Entries for a host alone or for a path go on with the path, "moc.elpmaxe./a": they
are prefixes of the key of a request with that host. One walk through the trie finds them all.
"""

from __future__ import annotations

import re
from functools import lru_cache

from categories.address import is_public_suffix, path_readings
from categories.entries import Covers

_SERVICES = ("www", "web", "ftp")
#: How much of an expression is quoted, in characters: it stands in records and on block pages.
QUOTED = 200

_SERVICE = re.compile(rf"(?:{'|'.join(_SERVICES)})[0-9]*\.")


def entry_key(host: str, covers: Covers, target: str) -> str:
    """The key of an entry. Path and query in lower case: squidGuard, whose lists these are, ignores their case."""
    if covers is Covers.DOMAIN:
        return host[::-1] + "."
    if covers is Covers.HOST:
        return f"{host[::-1]}./"
    return f"{without_service(host)[::-1]}.{target.lower()}"


def pattern_of(key: str, covers: Covers) -> str:
    """What an entry covers, for people: the reverse of entry_key. An expression stands for itself."""
    if covers is Covers.DOMAIN:
        return key[-2::-1]
    if covers is Covers.EXPRESSION:
        return key if len(key) <= QUOTED else f"{key[: QUOTED - 1]}…"
    backwards, _, target = key.partition("/")
    host = backwards[-2::-1]
    return f"{host}/{target}" if covers is Covers.PREFIX else host


def without_service(host: str) -> str:
    """The host without a leading www, web or ftp (with digits): path entries cover both, as squidGuard reads them."""
    return _without_service(host) if host.startswith(_SERVICES) else host


@lru_cache(maxsize=16_384)
def _without_service(host: str) -> str:
    service = _SERVICE.match(host)
    if not service or is_public_suffix(host[service.end() :]):
        return host
    return host[service.end() :]


def request_keys(host: str, path: str, query: str) -> list[str]:
    """The keys whose prefixes are the entries that may match: one in nearly every case, or one for each reading."""
    bare = without_service(host)
    hosts = (host[::-1],) if bare == host else (host[::-1], bare[::-1])
    tail = f"?{query}" if query else ""
    return [f"{backwards}.{reading}{tail}".lower() for reading in path_readings(path) for backwards in hosts]


def at_boundary(key: str, request: str) -> bool:
    """True when a prefix ends where a label, a path segment or the path ends: /a covers /a/b and /a?x, not /ab."""
    if "/" not in key or len(key) == len(request):
        return True
    return request[len(key)] in "/?" or key[-1] == "/" or "?" in key


def specificity(key: str) -> tuple[int, int, str]:
    """Sorts the most specific key last: the longer path, then the longer host."""
    backwards, slash, target = key.partition("/")
    return len(slash + target), len(backwards), key
