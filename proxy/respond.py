"""From a verdict to what is sent: the answers that are not a page's business, and mitmproxy's form of ours."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from mitmproxy import http

from proxy import reasons
from proxy.block_page import LAST_RESORT, ask_of
from proxy.evaluate import error_verdict, evaluate_later, refusal
from proxy.facts import Stage
from proxy.flow_exchange import exchange_of
from proxy.flow_facts import malformed_facts
from proxy.head import END
from proxy.recording import Exchange
from proxy.upstream import failure_of
from proxy.verdict import Action, Match, Verdict
from usage_log.spool import SpoolFull

if TYPE_CHECKING:
    from proxy.block_page import Answer, Ask, Pages
    from proxy.facts import Opening, RequestFacts
    from proxy.flow_facts import Tunnel
    from proxy.master import Handler
    from proxy.recording import Recorder
    from proxy.snapshot import PolicySnapshot

log = logging.getLogger(__name__)

#: Hooks that run before any request of a connection is known.
_BEFORE_A_REQUEST = frozenset({"client_connected", "next_layer", "http_connect", "requestheaders"})

#: Reason families whose block is held on CONNECT: TLS is finished with our certificate, and the page shown inside.
_HELD = frozenset({"category", "upstream"})
_HELD_REASONS = frozenset(
    {reasons.PRIVATE, reasons.LITERAL, reasons.MISMATCH, reasons.ITS_BLOCK, reasons.NESTED, reasons.ECH}
)


def say_last(handler: Handler, flow: http.HTTPFlow, response: http.Response) -> None:
    """While the worker drains, an answer is the last of its connection; HTTP/2 says so by GOAWAY.

    So is one to what could not be read: what comes behind it is not believed to be another request.
    """
    exchange = exchange_of(flow)
    doubtful = exchange is not None and exchange.verdict.reason == reasons.MALFORMED
    if (handler.draining or doubtful) and not flow.request.is_http2:
        response.headers["connection"] = "close"


def held(verdict: Verdict) -> bool:
    """True when a blocked CONNECT is answered 200, so that the block page can be shown inside TLS."""
    return verdict.reason.partition(".")[0] in _HELD or verdict.reason in _HELD_REASONS


def malformed_verdict(revision: int) -> Verdict:
    """Judge what cannot be read."""
    return technique_verdict(reasons.MALFORMED, revision)


def technique_verdict(reason: str, revision: int) -> Verdict:
    """Judge what is recognised where no facts can be stated. An unblock has no say in it."""
    return refusal(Match(reason, reasons.title_of(reason)), revision)


def malformed_exchange(
    client: str, snapshot: PolicySnapshot, detail: str, method: str = "", tunnel: Tunnel | None = None
) -> Exchange:
    """Make the exchange of what cannot be read. `detail` is in words of ours: what was sent may hold anything."""
    facts = malformed_facts(client, snapshot, method, tunnel)
    return Exchange(facts, malformed_verdict(snapshot.revision), detail=detail)


def failed_exchange(client: str, snapshot: PolicySnapshot, method: str = "", tunnel: Tunnel | None = None) -> Exchange:
    """Make the exchange of what failed before anything of it was known."""
    return Exchange(malformed_facts(client, snapshot, method, tunnel), error_verdict("hook", snapshot.revision))


def left_open(handler: Handler, what: str, snapshot: PolicySnapshot) -> list[Exchange]:
    """Give what has to be recorded when `what` fails: all that is under way, or the CONNECT, or that one was there."""
    tunnel = handler.tunnel
    under_way = [exchange for exchange in handler.exchanges if not exchange.ended]
    if under_way:
        return under_way
    if tunnel is not None:
        return [] if tunnel.exchange.ended else [tunnel.exchange]
    return [failed_exchange(handler.client_ip, snapshot)] if what in _BEFORE_A_REQUEST else []


def spoil(exchange: Exchange, what: str, error: BaseException) -> None:
    """Turn the verdict about an exchange into an error: `what` failed, in words of ours."""
    reason = "timeout" if isinstance(error, TimeoutError) else "hook"
    exchange.verdict = error_verdict(reason, exchange.verdict.policy_revision)
    exchange.detail = f"{what}: {type(error).__name__}"


def ask_in(flow: http.HTTPFlow) -> Ask:
    """Say what the client of a request can be shown."""
    return ask_of(flow.request.headers.fields, flow.request.method)


def page_of(pages: Pages, exchange: Exchange, ask: Ask) -> Answer:
    """Give the page for an exchange that is not let through; where none can be made, the one that needs no making."""
    try:
        return pages.answer(exchange.verdict, exchange.facts, ask, exchange.id)
    except (Exception, asyncio.CancelledError) as error:
        log.error("no page for %s, so the answer is the last resort", exchange.verdict.reason, exc_info=error)
        exchange.detail = f"{exchange.verdict.reason}, and no page: {type(error).__name__}"
        exchange.verdict = error_verdict("page", exchange.verdict.policy_revision)
        return LAST_RESORT


def recorded(exchange: Exchange, recorder: Recorder) -> bool:
    """Record an answer of ours; False where the log has no room: it is given all the same, and operators are told."""
    try:
        recorder.end(exchange)
    except SpoolFull as full:
        log.error("not recorded: %s %s: %s", exchange.verdict.action.value, exchange.verdict.reason, full)
        return False
    return True


def raw_verdict(facts: RequestFacts, opening: Opening, snapshot: PolicySnapshot) -> Verdict:
    """Judge bytes behind CONNECT that are neither TLS nor HTTP: never let through, named where a signature fits.

    An unblock does not open a tunnel: approved_tunnels does.
    """
    verdict = evaluate_later(replace(facts, stage=Stage.STREAM, opening=opening), snapshot)
    if verdict is not None and verdict.action is Action.BLOCK:
        return verdict
    return technique_verdict(reasons.RAW, snapshot.revision)


def refuse_raw(tunnel: Tunnel, opening: Opening, snapshot: PolicySnapshot, detail: str) -> None:
    """Make the verdict about an intercepted tunnel a refusal of its bytes; a block that is held says more."""
    exchange = tunnel.exchange
    exchange.detail = detail
    if exchange.verdict.forwards:
        exchange.verdict = raw_verdict(exchange.facts, opening, snapshot)
        exchange.status = exchange.verdict.status


def failure_verdict(error: str, verdict: Verdict) -> tuple[Verdict, str]:
    """Give what the page says about an origin that cannot be used, and the outcome that the record says.

    Where a later stage has refused the exchange meanwhile, that is said.
    """
    if not verdict.forwards:
        return verdict, "ok"
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
