"""From a verdict to what is sent: the answers that are not a page's business, and mitmproxy's form of ours."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from mitmproxy import http

from proxy import reasons
from proxy.evaluate import refusal
from proxy.flow_facts import malformed_facts
from proxy.head import END
from proxy.recording import Exchange
from proxy.upstream import failure_of
from proxy.verdict import Action, Match, Verdict

if TYPE_CHECKING:
    from proxy.block_page import Answer
    from proxy.flow_facts import Tunnel
    from proxy.snapshot import PolicySnapshot

#: Reason families whose block is held on CONNECT: TLS is finished with our certificate, and the page shown inside.
_HELD = frozenset({"category", "upstream"})
_HELD_REASONS = frozenset({reasons.PRIVATE, reasons.LITERAL, reasons.MISMATCH, reasons.ITS_BLOCK})


def held(verdict: Verdict) -> bool:
    """True when a blocked CONNECT is answered 200, so that the block page can be shown inside TLS."""
    return verdict.reason.partition(".")[0] in _HELD or verdict.reason in _HELD_REASONS


def malformed_verdict(revision: int) -> Verdict:
    """Judge what cannot be read."""
    return refusal(Match(reasons.MALFORMED, reasons.title_of(reasons.MALFORMED)), revision)


def malformed_exchange(
    client: str, snapshot: PolicySnapshot, detail: str, method: str = "", tunnel: Tunnel | None = None
) -> Exchange:
    """Make the exchange of what cannot be read. `detail` is in words of ours: what was sent may hold anything."""
    facts = malformed_facts(client, snapshot, method, tunnel)
    return Exchange(facts, malformed_verdict(snapshot.revision), detail=detail)


def raw_verdict(revision: int) -> Verdict:
    """Judge bytes behind CONNECT that are neither TLS nor HTTP."""
    return refusal(Match(reasons.RAW, reasons.title_of(reasons.RAW)), revision)


def failure_verdict(error: str, verdict: Verdict) -> tuple[Verdict, str]:
    """Give what the page says about an origin that cannot be used, and the outcome that the record says."""
    failure = failure_of(error)
    shown = Verdict(Action.BLOCK, failure.reason, verdict.policy_revision, status=failure.status)
    return shown, failure.outcome


def raw_of(answer: Answer, *, close: bool) -> bytes:
    """Give our answer as bytes, for where mitmproxy is not asked."""
    lines = [b"HTTP/1.1 %d %s" % (answer.status, HTTPStatus(answer.status).phrase.encode())]
    lines += [name + b": " + value for name, value in answer.headers]
    lines.append(b"Connection: close" if close else b"Connection: keep-alive")
    return b"\r\n".join(lines) + END + answer.body


def response_of(answer: Answer) -> http.Response:
    """Give our answer in mitmproxy's form."""
    now = time.time()
    phrase = HTTPStatus(answer.status).phrase.encode()
    return http.Response(b"HTTP/1.1", answer.status, phrase, http.Headers(answer.headers), answer.body, None, now, now)
