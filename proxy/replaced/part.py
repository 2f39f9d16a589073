"""What a replaced part is, and what the replacements may ask of the filter."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from mitmproxy import http
    from mitmproxy.connection import Client, Connection
    from mitmproxy.proxy.events import Event

    from config.proxy_settings import Limits

    #: Opens an upstream connection: (host, port) to reader and writer. Raises OSError.
    Dial = Callable[[str, int], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class HasRoom(Protocol):
    """What the replaced parts ask about the sockets of one client and its origins."""

    def has_room(self, connection: Connection) -> bool:
        """Say whether more may be written to a connection; True also where it has gone."""

    def moved(self) -> None:
        """Wake whoever waits for something to leave."""


class Answers(Protocol):
    """What the replaced parts ask the addon for."""

    @property
    def limits(self) -> Limits:
        """Give the caps and deadlines in force."""

    def room(self, client: Client) -> HasRoom | None:
        """Give what is known about a client's sockets; None where it has gone."""

    def answer_failure(self, flow: http.HTTPFlow, error: str) -> None:
        """Record, and put our page on, a flow whose origin or whose body cannot be used."""

    def cut(self, flow: http.HTTPFlow, error: str) -> None:
        """Record a flow that is broken off after its answer has begun."""

    def refuse_request(self, flow: http.HTTPFlow) -> None:
        """Record a request that cannot be read as one, and put our page on it."""

    def refuse_head(self, client: Client, status: int, why: str) -> bytes:
        """Record a head that cannot be read, and give the whole answer to it."""

    def flooded(self, client: Client, why: str) -> str:
        """Count a flood against its client's address, and give what its record says."""

    def note_refusal(self, client: Client, status: int, why: str) -> None:
        """Record what is refused without a page. `status` is the one that is sent; 0 where none is."""

    def reset(self, client: Client) -> None:
        """End a client's connection in a reset, so that nobody takes what was sent for the whole."""

    def after(self, flow: http.HTTPFlow, seconds: float, event: Callable[[], Event]) -> asyncio.TimerHandle:
        """Hand mitmproxy's layers an event after a time, unless that is cancelled or the client has left."""

    def under_way(self, flow: http.HTTPFlow, breaking: Callable[[str], Event]) -> None:
        """Keep how a flow that goes to its origin is broken off: with the event that an error text makes."""


@dataclass(frozen=True, slots=True)
class Part:
    """One attribute of mitmproxy, and what stands in its place.

    `lever` names the group of parts that only save time: what they do must not differ, so a comparison may leave them
    out. A part without one is a repair, and always in force.
    """

    owner: Any  # a class or a module
    name: str
    digest: str  # SHA-256 of the source that was read, in mitmproxy 12.2.3
    new: Any
    lever: str | None = None


def digest_of(function: Callable[..., Any]) -> str:
    """Give the SHA-256 of a function's source."""
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()
