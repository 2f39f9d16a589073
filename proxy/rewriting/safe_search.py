"""Safe search: what each engine is asked to leave out, on every path of its hosts.

A list of the paths that search would be a list of ways round it, and a site ignores a parameter that it does not know.
An account's own setting, or a cookie that nobody can read (Google's NID), says nothing against a parameter. Sources:
Chromium's safe_search_util.cc (google), DuckDuckGo's help on safe search (kp, `!safeoff`), Microsoft's note for makers
of filters (bing: a parameter overrides all else), SearXNG's engines (the cookies, yahoo, brave); family=yes for yandex
is what filters commonly send. None of it was measured at the sites.

What no request can ask for stands in docs/its.md: engines that only a name server restricts, and forms that are posted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.rewritten_hosts import search_hosts
from proxy.rewriting.forced import Forced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from config.rewriting_settings import SafeSearch
    from config.rewritten_hosts import RewrittenHosts

#: Engine -> strictness -> what is forced. `off` forces nothing.
ENGINES: Mapping[str, Mapping[str, Forced]] = {
    "google": {"strict": Forced({b"safe": b"active", b"ssui": b"on"}, never=frozenset({b"safeui"}))},
    "bing": {
        "strict": Forced(
            {b"adlt": b"strict"}, {b"safesearch": b"Strict"}, members={b"srchhpgusr": (b"ADLT", b"STRICT")}
        )
    },
    "duckduckgo": {  # its scripts ask with p, its pages with kp; a word in the question counts for that question
        "strict": Forced({b"kp": b"1"}, {b"p": b"1"}, frozenset({b"ex"}), {b"q": b"!safeoff"}, cookies={b"p": b"p=1"}),
        "moderate": Forced(
            {b"kp": b"-1"}, {b"p": b"1"}, frozenset({b"ex"}), {b"q": b"!safeoff"}, cookies={b"p": b"p=-1"}
        ),
    },
    "yahoo": {
        "strict": Forced({b"vm": b"r"}, members={b"sb": (b"vm", b"r")}),
        "moderate": Forced({b"vm": b"i"}, members={b"sb": (b"vm", b"i")}),
    },
    "yandex": {"strict": Forced({b"family": b"yes"})},
    "brave": {
        "strict": Forced(instead={b"safesearch": b"strict"}, cookies={b"safesearch": b"safesearch=strict"}),
        "moderate": Forced(instead={b"safesearch": b"moderate"}, cookies={b"safesearch": b"safesearch=moderate"}),
    },
}


def rules(settings: SafeSearch) -> Iterator[tuple[RewrittenHosts, Forced]]:
    """What is forced on which hosts."""
    hosts = search_hosts()
    for engine, grades in ENGINES.items():
        if (grade := getattr(settings, engine)) != "off":
            yield hosts[engine], grades[grade]
