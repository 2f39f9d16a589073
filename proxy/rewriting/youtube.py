"""YouTube's restricted mode: a field that no account and no cookie overrides (Chromium, safe_search_util.cc).

The cookie in which a browser keeps the choice of a person is changed as well, so that pages show what is in force.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.rewritten_hosts import search_hosts
from proxy.rewriting.forced import Forced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.rewriting_settings import SafeSearch
    from config.rewritten_hosts import RewrittenHosts

FIELD = b"youtube-restrict"

_VALUES = {"strict": b"Strict", "moderate": b"Moderate"}


def rules(settings: SafeSearch) -> Iterator[tuple[RewrittenHosts, Forced]]:
    """What is forced on which hosts."""
    if settings.youtube != "off":
        forced = Forced(members={b"pref": (b"f2", b"8000000")}, fields=((FIELD, _VALUES[settings.youtube]),))
        yield search_hosts()["youtube"], forced
