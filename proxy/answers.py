"""What the replaced parts of mitmproxy ask for, outside any hook: see proxy/replaced/part.py, Answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from proxy.addon import exchange_of
from proxy.block_page import Ask, ask_of
from proxy.respond import failure_verdict, malformed_exchange, raw_of, response_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mitmproxy import http
    from mitmproxy.connection import Client

    from proxy.master import Handler
    from proxy.worker_state import WorkerState


class WorkerAnswers:
    """Answers of ours, each with its record. `handlers` are the connections by their client's id."""

    def __init__(self, state: WorkerState, handlers: Mapping[str, Handler]) -> None:
        self._state = state
        self._handlers = handlers

    @property
    def head_bytes(self) -> int:
        """Give the largest head that is read, in bytes."""
        return self._state.limits.head_bytes

    def answer_failure(self, flow: http.HTTPFlow, error: str) -> None:
        """Put our page on a flow whose origin cannot be used."""
        exchange = exchange_of(flow)
        if exchange is None:
            raise RuntimeError("a request without a verdict asked for its origin")
        verdict, outcome = failure_verdict(error, exchange.verdict)
        ask = ask_of(flow.request.headers.fields, flow.request.method)
        page = self._state.in_force.pages.answer(verdict, exchange.facts, ask, exchange.id)
        flow.response = response_of(page)
        exchange.outcome, exchange.detail = outcome, error
        exchange.status, exchange.bytes_out = verdict.status, len(page.body)
        if verdict.reason.startswith("address."):
            exchange.verdict = verdict
        self._state.recorder.end(exchange)

    def refuse_head(self, client: Client, status: int, why: str) -> bytes:
        """Record a head that cannot be read, under the tunnel's user, and give the whole answer to it."""
        handler, snapshot = self._handlers[client.id], self._state.in_force.snapshot
        if handler.tunnel is not None:
            self._state.recorder.yield_to_inner(handler.tunnel.exchange)
        exchange = malformed_exchange(handler.client_ip, snapshot, why, tunnel=handler.tunnel)
        exchange.verdict = replace(exchange.verdict, status=status)
        page = self._state.in_force.pages.answer(exchange.verdict, exchange.facts, Ask(), exchange.id)
        exchange.status, exchange.bytes_out = status, len(page.body)
        self._state.recorder.end(exchange)
        return raw_of(page, close=True)
