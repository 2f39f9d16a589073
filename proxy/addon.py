"""What the filter does at each of mitmproxy's hooks: state facts, judge, answer or forward, record.

Every request of a connection is identified and judged, not only its first: the decision falls in `requestheaders`,
before a byte goes to the origin and before `100 Continue`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mitmproxy import http

from categories.address import MalformedAddress
from proxy import respond
from proxy.answer_hooks import AnswerHooks
from proxy.block_page import LAST_RESORT
from proxy.body_look import BodyLook
from proxy.counting import TOO_LARGE_REQUEST, announced, request_counter
from proxy.facts import OPENING_CAP, Carrier, Opening
from proxy.flow_exchange import exchange_of, put_on
from proxy.flow_facts import judged_target, request_facts
from proxy.hop_by_hop import sent_on
from proxy.next_layer import Closed, next_layer
from proxy.overrides import without_overrides
from proxy.recording import POLICY, Exchange
from proxy.respond import (
    ask_in,
    failure_verdict,
    malformed_exchange,
    malformed_verdict,
    refuse_raw,
    response_of,
    say_last,
)
from proxy.rewriting import rewritten
from proxy.scanning.coding import asked_for
from proxy.tls_hooks import TlsHooks
from proxy.upstream import OURS, client_left
from proxy.websocket_hooks import WebsocketHooks
from proxy.worker_state import judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from mitmproxy.connection import Client
    from mitmproxy.proxy.layer import NextLayer

    from proxy.identity.identified import Identified
    from proxy.master import Handler
    from proxy.tls_config import BreakwaterTlsConfig
    from proxy.worker_state import WorkerState

#: Hooks that run before the client has a byte of the answer.
_ANSWERED = frozenset({"requestheaders", "responseheaders", "answer_held"})


class Addon:
    """One short method a hook. Every method takes the connection's handler and mitmproxy's own argument."""

    def __init__(self, state: WorkerState, tls_config: BreakwaterTlsConfig) -> None:
        self._state = state
        self._tls = TlsHooks(state, tls_config)
        self.handlers: dict[str, Handler] = {}
        self._table: dict[str, Callable[[Handler, Any], Any]] = {
            "next_layer": self.next_layer,
            **self._tls.table,
            "http_connect": self.http_connect,
            "requestheaders": self.requestheaders,
            **AnswerHooks(state, self._answer, self._end).table,
            "error": self.error,
            **WebsocketHooks(state).table,
            "client_connected": self.client_connected,
            "client_disconnected": self.client_disconnected,
        }

    def hook(self, name: str) -> Callable[[Handler, Any], Any] | None:
        """Give the method for a hook; None where the filter has nothing to do."""
        return self._table.get(name)

    def next_layer(self, handler: Handler, data: NextLayer) -> None:
        """Choose what the bytes of a connection may be: TLS or HTTP, nothing else."""
        client, server = data.data_client(), data.data_server()
        data.layer = next_layer(data.context, client, server)
        if handler.tunnel is None:
            return
        handler.tunnel.begun = True
        if data.layer is None:
            self._tls.await_more(handler)
        elif isinstance(data.layer, Closed):
            carrier = Carrier.TLS if handler.client.tls_established else Carrier.TUNNEL
            opening = Opening(carrier, client[:OPENING_CAP], server[:OPENING_CAP])
            refuse_raw(handler.tunnel, opening, self._state.in_force.snapshot, "neither TLS nor HTTP in the tunnel")

    def http_connect(self, handler: Handler, flow: http.HTTPFlow) -> None:
        """Refuse: the front answers every CONNECT itself, so this one came by another way."""
        snapshot, detail = self._state.in_force.snapshot, "CONNECT inside a connection"
        exchange = malformed_exchange(handler.client_ip, snapshot, detail, "CONNECT")
        flow.response = self._answer(handler, flow, exchange)

    async def requestheaders(self, handler: Handler, flow: http.HTTPFlow) -> None:
        """Decide about a request."""
        exchange = await self._judged(handler, flow)
        if handler.tunnel is not None:
            self._state.recorder.yield_to_inner(handler.tunnel.exchange)
        handler.exchanges.add(exchange)
        put_on(flow, exchange)
        public_name = self._state.in_force.snapshot.public_name
        if exchange.facts.host == public_name and exchange.verdict.forwards:
            flow.response = self._public(handler, flow, exchange)
        elif exchange.verdict.forwards and not self._refuses_body(flow, exchange):
            self._forward(handler, flow, exchange)
        else:
            flow.response = self._answer(handler, flow, exchange)

    async def _judged(self, handler: Handler, flow: http.HTTPFlow) -> Exchange:
        snapshot = self._state.in_force.snapshot
        try:
            identified = await self._identify(handler, flow)
            facts = request_facts(flow, handler.client_ip, identified, handler.tunnel, snapshot)
        except MalformedAddress:
            detail = "a request that cannot be read"
            return malformed_exchange(handler.client_ip, snapshot, detail, flow.request.method, handler.tunnel)
        return Exchange(*await judge(facts, self._state))

    async def _identify(self, handler: Handler, flow: http.HTTPFlow) -> Identified:
        """Inside a tunnel the user is the CONNECT's; outside, every request says who it comes from."""
        tunnel, headers = handler.tunnel, flow.request.headers
        if tunnel is not None:
            return self._state.identity.recheck(tunnel.identified)
        header = headers.get("proxy-authorization")
        raw = header.encode("utf-8", "surrogateescape") if header is not None else None
        return await self._state.identity.identify(raw, handler.client_ip)

    def _refuses_body(self, flow: http.HTTPFlow, exchange: Exchange) -> bool:
        """Refuse a body that is announced as larger than any may be, before a byte of it is sent."""
        length = announced(flow.request.headers.get("content-length"))
        if length is None or length <= self._state.limits.body_bytes:
            return False
        exchange.verdict = replace(malformed_verdict(exchange.verdict.policy_revision), status=413)
        exchange.detail = TOO_LARGE_REQUEST
        return True

    def _forward(self, handler: Handler, flow: http.HTTPFlow, exchange: Exchange) -> None:
        """Send the request on: to the host that was judged, without what is only for the proxy."""
        request, facts = flow.request, exchange.facts
        request.headers.fields = without_overrides(sent_on(request.headers.fields), facts)
        if facts.tunnel_host is None:
            request.data.host = facts.host
            request.headers["host"] = _authority(facts.host, facts.port, request.scheme)  # RFC 9112, section 3.2.2
        elif not request.is_http2:
            request.authority = ""  # an absolute form inside a tunnel would be read as a proxy's
        exchange.cut = partial(handler.close, POLICY)
        if (target := judged_target(request.data.path, facts)) is not None:
            request.data.path = target
        sent = rewritten(facts.host, request.data.path, request.headers.fields, self._state.in_force.snapshot.rewriting)
        request.data.path, request.headers.fields = sent
        if (accepted := request.headers.get("accept-encoding")) is not None:
            request.headers["accept-encoding"] = asked_for(accepted)
        self._state.recorder.begin(exchange)
        counter = request_counter(exchange, self._state.recorder, self._state.limits.body_bytes)
        request.stream = BodyLook(counter, exchange, self._state.in_force.snapshot)

    def _answer(self, handler: Handler, flow: http.HTTPFlow, exchange: Exchange) -> http.Response:
        """Answer instead of the origin, with the record written first."""
        answer = respond.page_of(self._state.in_force.pages, exchange, ask_in(flow))
        return self._finish(handler, flow, exchange, response_of(answer))

    def _public(self, handler: Handler, flow: http.HTTPFlow, exchange: Exchange) -> http.Response:
        """Answer for `public_name`: reachable before sign-in and during error.*."""
        answer = self._state.in_force.public_pages.answer(flow.request.method, exchange.facts.path, ask_in(flow))
        return self._finish(handler, flow, exchange, response_of(answer))

    def _finish(self, handler: Handler, flow: http.HTTPFlow, exchange: Exchange, made: http.Response) -> http.Response:
        exchange.status = made.status_code
        exchange.bytes_out = len(made.raw_content or b"")
        if not respond.recorded(exchange, self._state.recorder) and not exchange.verdict.forwards:
            made = response_of(LAST_RESORT)
        say_last(handler, flow, made)
        handler.exchanges.discard(exchange)
        flow.request.stream = True  # so that an upload is answered before its body is read (proxy/replaced/stream.py)
        flow.request.headers.pop("expect", None)  # no 100 Continue for a body that nobody takes
        return made

    def error(self, handler: Handler, flow: http.HTTPFlow) -> None:
        """Record what broke off."""
        if (exchange := exchange_of(flow)) is None:
            return
        if not exchange.ended:
            # An origin that breaks off before it answers never comes here: proxy/replaced/stream.py answers for it.
            said = flow.error.msg if flow.error else ""
            if said.startswith(OURS):  # broken off for what the client sent, while its request was still judged
                exchange.verdict, exchange.outcome = failure_verdict(said, exchange.verdict)
                exchange.detail = said
            else:
                left = flow.response is None or client_left(said) or handler.ended_by
                exchange.outcome = _who_left(handler) if left else "connect"
        self._end(handler, exchange)

    def client_connected(self, handler: Handler, client: Client) -> None:
        """Keep which handler a client has: mitmproxy's layers know only the client."""
        self.handlers[client.id] = handler
        self._tls.await_hello(handler)

    def client_disconnected(self, handler: Handler, client: Client) -> None:
        """Record whatever the connection leaves behind: a CONNECT without a request inside, a request cut short."""
        self.handlers.pop(client.id, None)
        self._tls.forget(client)
        left = list(handler.exchanges)
        if handler.tunnel is not None:
            left.append(handler.tunnel.exchange)
        for exchange in left:
            if exchange.verdict.forwards or not exchange.status:  # else we closed, after an answer
                exchange.outcome = _who_left(handler)
            self._end(handler, exchange)

    def refuse(self, handler: Handler, data: object, hook: str, error: BaseException) -> bool:
        """Answer 503 for a hook that failed, where the client has had nothing yet; else say so, by False."""
        if not isinstance(data, http.HTTPFlow) or hook not in _ANSWERED:
            return False
        exchange = exchange_of(data)
        if exchange is None:
            snapshot = self._state.in_force.snapshot
            exchange = respond.failed_exchange(handler.client_ip, snapshot, data.request.method, handler.tunnel)
            if handler.tunnel is not None:
                self._state.recorder.yield_to_inner(handler.tunnel.exchange)
            put_on(data, exchange)
        respond.spoil(exchange, hook, error)
        data.response = self._answer(handler, data, exchange)
        return True

    def broken(self, handler: Handler, data: object, what: str, error: BaseException) -> None:
        """Record what a failure cut off."""
        for exchange in respond.left_open(handler, what, self._state.in_force.snapshot):
            respond.spoil(exchange, what, error)
            self._end(handler, exchange)

    def _end(self, handler: Handler, exchange: Exchange) -> None:
        self._state.recorder.end(exchange)
        handler.exchanges.discard(exchange)


def _who_left(handler: Handler) -> str:
    return handler.ended_by or "client-abort"


def _authority(host: str, port: int, scheme: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return shown if (scheme, port) in (("http", 80), ("https", 443)) else f"{shown}:{port}"
