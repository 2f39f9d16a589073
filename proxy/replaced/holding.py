"""An answer that is scanned: held until there is enough of it to be judged, then replaced whole, or sent on.

What is held has been acknowledged to an HTTP/2 origin, whose window may be smaller than what is held (64 KiB), and is
bounded by whoever says what is enough (proxy/scanning/screen.py). After HOLD_SECONDS it goes on, once it can be judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mitmproxy.proxy import commands
from mitmproxy.proxy.layers.http import HttpStream, ResponseData, ResponseEndOfMessage, ResponseTrailers

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Generator

    from mitmproxy import http

    Commands = Generator[Any, Any, None]

#: A page that drips is judged by what came of it in this time; the rest is searched as it passes.
HOLD_SECONDS = 2.0

#: Where a flow keeps what says how much of its answer is enough.
SCREEN = "breakwater.screen"


class Screens(Protocol):
    """Says when there is enough of an answer."""

    def more(self, data: bytes) -> bool:
        """Take one more piece; whether there is enough for a verdict."""

    def end(self) -> None:
        """Take the end."""

    @property
    def ripens(self) -> bool:
        """Whether what came can be judged when its time is up."""

    @property
    def passes_on(self) -> bool:
        """Whether what comes behind what was held needs no look."""

    def later(self, data: bytes) -> bool:
        """Take a piece of that; whether there is anything new to judge."""


@dataclass
class AnswerHeldHook(commands.StartHook):
    """There is enough of an answer to judge it. Whoever puts another in its place has the origin's dropped."""

    flow: http.HTTPFlow
    name = "answer_held"


@dataclass(frozen=True, slots=True)
class Ways:
    """How an answer that is refused ends, and how one is come back to."""

    replaced: Callable[[HttpStream], Commands]  # by the answer in its place, where nothing of it has gone on
    cut: Callable[[HttpStream], Commands]  # where some has
    ripens_in: Callable[[HttpStream, float], asyncio.TimerHandle]  # calls `ripe` after so many seconds


def begin(stream: HttpStream, screen: Screens, ways: Ways) -> Commands:
    """Hold the answer of a stream from here on."""
    stream.server_state = Hold(stream, screen, ways).take
    yield from ()


def is_held(stream: HttpStream) -> bool:
    """Whether an answer has begun of which the client has nothing yet."""
    return _hold_of(stream) is not None


def ripe(stream: HttpStream) -> Commands:
    """Judge what is held of an answer whose time is up, unless its client has left meanwhile.

    An origin that sends one byte and waits has sent nothing that could be judged: it waits on, as long as it may idle.
    """
    hold = _hold_of(stream)
    if hold is None or not stream.flow.live:
        return
    if hold.ripens:
        yield from hold.judged()
    else:
        hold.wait()


def _hold_of(stream: HttpStream) -> Hold | None:
    hold = getattr(stream.server_state, "__self__", None)
    return hold if isinstance(hold, Hold) and not hold.goes_on else None


class Hold:
    """One answer, in the place of a state of mitmproxy's stream: held, and searched as it passes where need be."""

    def __init__(self, stream: HttpStream, screen: Screens, ways: Ways) -> None:
        self._stream, self._screen, self._ways = stream, screen, ways
        self._origins = stream.flow.response
        self._pieces: list[bytes] = []
        self.goes_on = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def ripens(self) -> bool:
        """Whether it can be judged when its time is up."""
        return self._screen.ripens

    def wait(self) -> None:
        """Come back in HOLD_SECONDS. Cancelled in time by nearly every answer: mitmproxy's own wake-ups cannot be."""
        self._timer = self._ways.ripens_in(self._stream, HOLD_SECONDS)

    def stop_waiting(self) -> None:
        """Let the time pass unnoticed."""
        if self._timer is not None:
            self._timer.cancel()

    def take(self, event: ResponseData | ResponseTrailers | ResponseEndOfMessage) -> Commands:
        """Take what the origin sends next."""
        if self.goes_on:
            yield from self._pass(event)
        elif isinstance(event, ResponseData):
            self._pieces.append(event.data)
            if self._screen.more(event.data):
                yield from self.judged()
            elif len(self._pieces) == 1:
                self.wait()
        elif isinstance(event, ResponseTrailers):
            assert self._origins is not None  # noqa: S101  # its head has come
            self._origins.trailers = event.trailers
        else:
            self._screen.end()
            if (yield from self.judged()):
                yield from self._stream.state_stream_response_body(event)

    def judged(self) -> Generator[Any, Any, bool]:
        """Ask for the verdict, and do what it says; whether the answer goes on."""
        stream = self._stream
        self.stop_waiting()
        if (yield from self._ended_by_verdict(self._ways.replaced)):
            return False
        yield from stream.start_response_stream()
        self.goes_on = True
        if not self._screen.passes_on:
            stream.server_state = self.take
        pieces, self._pieces = self._pieces, []
        for piece in pieces:
            yield from stream.state_stream_response_body(ResponseData(stream.stream_id, piece))
        return True

    def _pass(self, event: ResponseData | ResponseTrailers | ResponseEndOfMessage) -> Commands:
        """Let a later piece go on, unless there is something in it; what was found goes no further."""
        found = isinstance(event, ResponseData) and self._screen.later(event.data)
        if found and (yield from self._ended_by_verdict(self._ways.cut)):
            return
        yield from self._stream.state_stream_response_body(event)

    def _ended_by_verdict(self, refuse: Callable[[HttpStream], Commands]) -> Generator[Any, Any, bool]:
        """Ask for the verdict; whether it, or the client, has ended the answer."""
        stream = self._stream
        yield AnswerHeldHook(stream.flow)
        if (yield from stream.check_killed(True)):
            return True
        if stream.flow.response is self._origins:
            return False
        yield from refuse(stream)
        return True
