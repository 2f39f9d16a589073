"""WebSocket: a message is passed on whole, so it is bounded; stock collects one of any size, and its fragments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mitmproxy.proxy.layers.websocket import WebsocketConnection
from wsproto.events import CloseConnection, Message
from wsproto.frame_protocol import CloseReason

from proxy.replaced.part import Answers, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wsproto.events import Event

#: What a fragment costs besides its bytes, in bytes: without it, empty ones would be free.
_FRAGMENT = 64


def parts(answers: Answers) -> tuple[Part, ...]:
    """Give what is replaced here."""
    digest = "e4d77be0bfef1af244f2ea432158259d022a621df8da5282012b1664493c2047"
    return (Part(WebsocketConnection, "events", digest, _events_or(answers)),)


_original_events = WebsocketConnection.events


def _events_or(answers: Answers) -> Callable[[Any], Iterator[Event]]:
    def events(self: Any) -> Iterator[Event]:
        """Close both sides where a message grows too large (RFC 6455, section 7.4.1: 1009)."""
        for event in _original_events(self):
            if isinstance(event, Message):
                more = _FRAGMENT if event.frame_finished and not event.message_finished else 0
                held = getattr(self, "held", 0) + len(event.data) + more
                self.held = 0 if event.message_finished else held
                if held > answers.limits.websocket_message_bytes:
                    yield CloseConnection(CloseReason.MESSAGE_TOO_BIG)
                    return
            yield event

    return events
