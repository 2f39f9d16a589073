"""What the filter does when an origin answers: hold what has to be judged, judge it, count what goes on."""

from __future__ import annotations

from dataclasses import replace
from email.message import Message
from email.utils import collapse_rfc2231_value
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from proxy.block_page import LAST_RESORT
from proxy.counting import announced, answer_counter
from proxy.evaluate import evaluate_later
from proxy.facts import Stage
from proxy.flow_exchange import exchange_of
from proxy.flow_facts import some_fields
from proxy.hop_by_hop import sent_on
from proxy.replaced.holding import SCREEN
from proxy.respond import response_of, say_last
from proxy.scanning.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mitmproxy import http

    from proxy.master import Handler
    from proxy.recording import Exchange
    from proxy.worker_state import WorkerState

#: The status of what has no body of its own (RFC 9110, section 15), or is no answer but a change of protocol.
_BODYLESS = frozenset({101, 204, 304})

#: The fields of an answer by which it is judged.
_FIELDS = frozenset(
    {"content-disposition", "content-encoding", "content-range", "content-type", "x-content-type-options"}
)

#: Longest file name that is looked at, in characters.
_NAME_CAP = 255

#: How much of a Content-Disposition is read, in characters: its parser's time grows faster than its length.
_DISPOSITION_CAP = 2048


class AnswerHooks:
    """One method a hook of an answer, in `table`. `answer` makes an answer of ours, `end` records what is over."""

    def __init__(
        self,
        state: WorkerState,
        answer: Callable[[Handler, http.HTTPFlow, Exchange], http.Response],
        end: Callable[[Handler, Exchange], None],
    ) -> None:
        self._state = state
        self._answer = answer
        self._end = end
        self.table: dict[str, Callable[[Handler, Any], Any]] = {
            "responseheaders": self.responseheaders,
            "answer_held": self.answer_held,
            "response": self.response,
        }

    def responseheaders(self, handler: Handler, flow: http.HTTPFlow) -> None:
        """Let the origin's answer be held until it can be judged, and count it; the record is written before its end.

        Alt-Svc would invite the browser to QUIC, past the filter.
        """
        exchange, response = exchange_of(flow), flow.response
        if exchange is None or response is None:
            raise RuntimeError("an answer to a request without a verdict")
        if exchange.ended:
            return  # it is an answer of ours
        exchange.status, exchange.length = response.status_code, _length(response)
        response.headers.fields = sent_on(response.headers.fields)
        response.headers.pop("alt-svc", None)
        say_last(handler, flow, response)
        response.stream = answer_counter(
            exchange, self._state.recorder, self._state.limits.body_bytes, partial(self._end, handler, exchange)
        )
        if response.status_code not in _BODYLESS and exchange.length != 0 and flow.request.method != "HEAD":
            flow.metadata[SCREEN] = _screen(exchange, response)

    def answer_held(self, handler: Handler, flow: http.HTTPFlow) -> None:
        """Judge an answer of which there is enough, before the client has a byte of it, or of what was found later.

        What is cut off within its body gets an answer that nobody sees: any other than the origin's ends it.
        """
        exchange = exchange_of(flow)
        if exchange is None:
            raise RuntimeError("an answer to a request without a verdict")
        screen: Screen = flow.metadata[SCREEN]
        if self._refuses(exchange, screen):
            flow.response = response_of(LAST_RESORT) if screen.is_late else self._answer(handler, flow, exchange)

    def response(self, handler: Handler, flow: http.HTTPFlow) -> None:
        """Record an answer that had no body; a WebSocket is recorded when it ends."""
        exchange = exchange_of(flow)
        if exchange is not None and flow.websocket is None:
            self._end(handler, exchange)

    def _refuses(self, exchange: Exchange, screen: Screen) -> bool:
        facts = replace(exchange.facts, stage=Stage.RESPONSE, answer=screen.answer)
        verdict = evaluate_later(facts, self._state.in_force.snapshot)
        if verdict is None or (verdict.forwards and verdict.unblock is None):
            return False  # the verdict on the request stands
        exchange.verdict = verdict
        return not verdict.forwards


def _screen(exchange: Exchange, response: http.Response) -> Screen:
    fields = some_fields(response.headers.fields, _FIELDS)
    wanted = exchange.facts.fields.get("sec-fetch-dest", "")
    return Screen(response.status_code, fields, saved_as(fields, exchange.facts.path), wanted)


def saved_as(fields: Mapping[str, str], path: str) -> str:
    """Give the name that an answer would be saved under, in lower case (RFC 6266): what it says, else the path's."""
    path = _said_name(fields.get("content-disposition", "")) or path
    return path.replace("\\", "/").rpartition("/")[2][-_NAME_CAP:].strip().lower()


def _said_name(disposition: str) -> str:
    """Give the file name that a Content-Disposition says, `filename*` before `filename`; empty where there is none."""
    message = Message()
    message["Content-Disposition"] = disposition[:_DISPOSITION_CAP]
    try:
        params: list[tuple[str, Any]] = message.get_params([], "Content-Disposition")
        said = [value for name, value in params if name.lower() == "filename"]
        extended = [value for value in said if isinstance(value, tuple)]
        return unquote(collapse_rfc2231_value((extended or said or [""])[0]))
    except (ValueError, LookupError):  # a character set that is none
        return ""


def _length(response: http.Response) -> int | None:
    return announced(response.headers.get("content-length")) if response.status_code >= 200 else None
