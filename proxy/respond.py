"""From a verdict to what is sent: the answers that are not a page's business, and mitmproxy's form of ours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mitmproxy import http

from proxy.upstream import failure_of
from proxy.verdict import Action, Match, Verdict

if TYPE_CHECKING:
    from proxy.block_page import Answer

#: Reason families whose block is held on CONNECT: TLS is finished with our certificate, and the page shown inside.
_HELD = frozenset({"category", "its-block", "upstream"})
_HELD_REASONS = frozenset({"address.private", "address.literal", "address.mismatch"})


def held(verdict: Verdict) -> bool:
    """True when a blocked CONNECT is answered 200, so that the block page can be shown inside TLS."""
    return verdict.reason.partition(".")[0] in _HELD or verdict.reason in _HELD_REASONS


def malformed_verdict(revision: int) -> Verdict:
    """Judge what cannot be read."""
    match = Match("protocol.malformed", "a request that cannot be read")
    return Verdict(Action.BLOCK, match.reason, revision, matches=(match,), status=400)


def failure_verdict(error: str, verdict: Verdict) -> tuple[Verdict, str]:
    """Give what the page says about an origin that cannot be used, and the outcome that the record says."""
    failure = failure_of(error)
    shown = replace(
        verdict, action=Action.BLOCK, reason=failure.reason, category=None, basis=None, matches=(), status=failure.status
    )
    return shown, failure.outcome


def response_of(answer: Answer, method: str) -> http.Response:
    """Give our answer in mitmproxy's form."""
    response = http.Response.make(answer.status, answer.body, answer.headers)
    if method == "HEAD":
        response.raw_content = b""
    return response
