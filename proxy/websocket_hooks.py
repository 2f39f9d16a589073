"""What the filter does with the messages of a WebSocket: the first of each direction are judged, all are counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from proxy.evaluate import evaluate_later
from proxy.facts import MESSAGE_CAP, OPENING_CAP, Carrier, Opening, Stage
from proxy.flow_exchange import exchange_of
from proxy.recording import POLICY

if TYPE_CHECKING:
    from collections.abc import Callable

    from mitmproxy import http
    from mitmproxy.websocket import WebSocketMessage

    from proxy.master import Handler
    from proxy.recording import Exchange
    from proxy.worker_state import WorkerState

#: The close code of a WebSocket on which a message is larger than one side takes: RFC 6455, section 7.4.1.
_TOO_BIG = 1009

#: How many messages of each direction are judged, empty ones apart: handshakes and announces come first, chat never
#: ends. One count for both would let a server hide what the client says.
_JUDGED = 32

_OPENING, _SEEN = "breakwater-opening", "breakwater-messages"


class WebsocketHooks:
    """One method a hook of a WebSocket, in `table`."""

    def __init__(self, state: WorkerState) -> None:
        self._state = state
        self.table: dict[str, Callable[[Handler, Any], Any]] = {
            "websocket_message": self.websocket_message,
            "websocket_end": self.websocket_end,
        }

    def websocket_message(self, handler: Handler, flow: http.HTTPFlow) -> None:
        """Judge and count, and keep none: mitmproxy would keep every message for the life of the socket."""
        exchange, socket = exchange_of(flow), flow.websocket
        if exchange is None or socket is None:
            return
        message = socket.messages[-1]
        if message.from_client:
            exchange.bytes_in += len(message.content)
        else:
            exchange.bytes_out += len(message.content)
        self._state.recorder.moves(exchange)
        del socket.messages[:-1]
        if self._is_refused(flow, exchange, message):
            message.drop()
            exchange.detail = "recognised in a WebSocket message"
            handler.close(POLICY)

    def _is_refused(self, flow: http.HTTPFlow, exchange: Exchange, message: WebSocketMessage) -> bool:
        """Judge one of the first messages, with how both directions began; the exchange takes a refusal."""
        if not exchange.verdict.forwards:
            return True
        if not message.content:
            return False
        seen: Counter[bool] = flow.metadata.setdefault(_SEEN, Counter())
        seen[message.from_client] += 1
        if seen[message.from_client] > _JUDGED:
            return False
        before: Opening = flow.metadata.get(_OPENING) or Opening(Carrier.WEBSOCKET)
        opening = flow.metadata[_OPENING] = _with(before, message)
        told = replace(exchange.facts, stage=Stage.STREAM, opening=opening)
        verdict = evaluate_later(told, self._state.in_force.snapshot)
        if verdict is None or verdict.forwards:
            return False
        exchange.verdict, exchange.status = verdict, verdict.status
        return True

    def websocket_end(self, handler: Handler, flow: http.HTTPFlow) -> None:
        """Record a WebSocket."""
        if (exchange := exchange_of(flow)) is not None:
            if flow.websocket is not None and flow.websocket.close_code == _TOO_BIG:
                exchange.detail = f"closed for a message that is too large ({_TOO_BIG})"
            exchange.outcome = handler.ended_by or exchange.outcome
            self._state.recorder.end(exchange)
            handler.exchanges.discard(exchange)


def _with(opening: Opening, message: WebSocketMessage) -> Opening:
    """Give an opening with one more message in its direction."""
    beginning = message.content[:MESSAGE_CAP]
    if message.from_client:
        return replace(opening, client=(opening.client + beginning)[:OPENING_CAP], message=beginning)
    return replace(opening, server=(opening.server + beginning)[:OPENING_CAP], message=beginning)
