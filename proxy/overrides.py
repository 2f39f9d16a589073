"""Fields by which a request says that it asks for something else than its request line does: they stay with us.

Some origins believe them (Symfony, IIS, frameworks behind a front end of their own), and would answer for an address
that was never judged. Browsers send none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.detectors.methods import OVERRIDES

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.hop_by_hop import Fields

#: Another path, or another host.
_ELSEWHERE = frozenset(
    {
        *("x-original-url", "x-original-uri", "x-original-host", "x-rewrite-url", "x-override-url", "x-forwarded-uri"),
        *("x-forwarded-host", "x-forwarded-server", "x-http-host-override", "x-host", "forwarded"),
    }
)

_METHODS = frozenset(OVERRIDES)

#: All of them, as facts have them.
NAMES = _ELSEWHERE | _METHODS


def without_overrides(fields: Fields, facts: RequestFacts) -> Fields:
    """Give the fields without those that name another address, or another method.

    POST keeps the latter: Google's and Microsoft's own clients ask for GET, MERGE and DELETE that way, and which
    methods may be asked for is judged (proxy/detectors/methods.py). On a GET it would hide what is done. An origin
    that is told of fields as CGI scripts are cannot tell an underscore from a hyphen (RFC 3875, section 4.1.18).
    """
    if NAMES.isdisjoint(facts.fields):
        return fields
    dropped = _ELSEWHERE if facts.method == "POST" else NAMES
    return tuple(
        field for field in fields if field[0].decode("ascii", "replace").lower().replace("_", "-") not in dropped
    )
