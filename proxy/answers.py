"""What the replaced parts of mitmproxy ask for, outside any hook: see proxy/replaced/part.py, Answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from proxy.block_page import Ask
from proxy.flow_exchange import exchange_of
from proxy.reasons import PROXY_CHAIN
from proxy.respond import (
    ask_in,
    failure_verdict,
    malformed_exchange,
    page_of,
    raw_of,
    recorded,
    response_of,
    say_last,
    technique_verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mitmproxy import http
    from mitmproxy.connection import Client
    from mitmproxy.proxy.events import Event

    from config.proxy_settings import Limits
    from proxy.block_page import Answer
    from proxy.master import Handler
    from proxy.recording import Exchange
    from proxy.room import Room
    from proxy.verdict import Verdict
    from proxy.worker_state import WorkerState


class WorkerAnswers:
    """Answers of ours, each with its record. `handlers` are the connections by their client's id."""

    def __init__(self, state: WorkerState, handlers: Mapping[str, Handler]) -> None:
        self._state = state
        self._handlers = handlers

    @property
    def limits(self) -> Limits:
        """Give the caps and deadlines in force."""
        return self._state.limits

    def room(self, client: Client) -> Room | None:
        """Give what is known about a client's sockets; None where it has gone."""
        handler = self._handlers.get(client.id)
        return None if handler is None else handler.room

    def answer_failure(self, flow: http.HTTPFlow, error: str) -> None:
        """Record, and put our page on, a flow whose origin or whose body cannot be used."""
        exchange = exchange_of(flow)
        if exchange is None:
            raise RuntimeError("a request without a verdict asked for its origin")
        verdict, outcome = failure_verdict(error, exchange.verdict)
        shown = replace(exchange, verdict=verdict, detail=error)  # what the page says; the record may say otherwise
        page = page_of(self._state.in_force.pages, shown, ask_in(flow))
        flow.response = response_of(page)
        exchange.status, exchange.bytes_out = page.status, len(page.body)
        self._end(flow, exchange, shown.verdict, outcome, shown.detail)
        if (handler := self._handlers.get(flow.client_conn.id)) is not None:
            say_last(handler, flow, flow.response)

    def cut(self, flow: http.HTTPFlow, error: str) -> None:
        """Record a flow that is broken off after its answer has begun: its status is the one that was sent."""
        exchange = exchange_of(flow)
        if exchange is not None:
            verdict, outcome = failure_verdict(error, exchange.verdict)
            self._end(flow, exchange, verdict, outcome, error)

    def _end(self, flow: http.HTTPFlow, exchange: Exchange, verdict: Verdict, outcome: str, error: str | None) -> None:
        if not exchange.ended:
            exchange.outcome, exchange.detail = outcome, error
            if not verdict.reason.startswith("upstream."):
                exchange.verdict = verdict  # it is the client's, or the address's: no fault of the site
        self._state.recorder.end(exchange)
        if (handler := self._handlers.get(flow.client_conn.id)) is not None:
            handler.exchanges.discard(exchange)

    def refuse_request(self, flow: http.HTTPFlow) -> None:
        """Record a request that cannot be read as one, under the tunnel's user, and put our page on it."""
        handler = self._handlers[flow.client_conn.id]
        exchange = self._unreadable(handler, "a request that cannot be read", flow.request.method)
        flow.response = response_of(self._refusal(exchange, ask_in(flow)))

    def refuse_head(self, client: Client, status: int, why: str) -> bytes:
        """Record a head that cannot be read, under the tunnel's user, and give the whole answer to it."""
        exchange = self._unreadable(self._handlers[client.id], why)
        exchange.verdict = replace(exchange.verdict, status=status)
        return raw_of(self._refusal(exchange, Ask()), close=True)

    def note_refusal(self, client: Client, status: int, why: str) -> None:
        """Record what is refused without a page. `status` is the one that is sent; 0 where none is."""
        exchange = self._unreadable(self._handlers[client.id], why)
        exchange.verdict = replace(exchange.verdict, status=status)
        recorded(exchange, self._state.recorder)

    def _unreadable(self, handler: Handler, why: str, method: str = "") -> Exchange:
        if handler.tunnel is not None:
            self._state.recorder.yield_to_inner(handler.tunnel.exchange)
        exchange = malformed_exchange(handler.client_ip, self._state.in_force.snapshot, why, method, handler.tunnel)
        if handler.tunnel is not None and method == "CONNECT":
            exchange.verdict = technique_verdict(PROXY_CHAIN, exchange.verdict.policy_revision)
        return exchange

    def _refusal(self, exchange: Exchange, ask: Ask) -> Answer:
        """Make the page, and record it."""
        page = page_of(self._state.in_force.pages, exchange, ask)
        exchange.status, exchange.bytes_out = page.status, len(page.body)
        recorded(exchange, self._state.recorder)
        return page

    def flooded(self, client: Client, why: str) -> str:
        """Count a flood against its client's address, and give what its record says."""
        address = self._handlers[client.id].client_ip
        over = self._state.floods.count(address, self._state.limits.h2_floods_per_minute)
        return f"{why}; no HTTP/2 for this address for a minute" if over else why

    def reset(self, client: Client) -> None:
        """End a client's connection in a reset, so that nobody takes what was sent for the whole."""
        handler = self._handlers.get(client.id)
        if handler is not None:
            handler.reset()

    def after(self, flow: http.HTTPFlow, seconds: float, event: Callable[[], Event]) -> asyncio.TimerHandle:
        """Hand mitmproxy's layers an event after a time. A timer that is cancelled keeps nothing of the flow."""
        client = flow.client_conn.id

        def due() -> None:
            if (handler := self._handlers.get(client)) is not None:
                handler.inject(event())

        return asyncio.get_running_loop().call_later(seconds, due)

    def under_way(self, flow: http.HTTPFlow, breaking: Callable[[str], Event]) -> None:
        """Keep how a flow that goes to its origin is broken off: with the event that an error text makes."""
        exchange, handler = exchange_of(flow), self._handlers.get(flow.client_conn.id)
        if exchange is not None and handler is not None:  # a client may leave while its origin is dialled
            exchange.break_off = lambda error: handler.inject(breaking(error))
