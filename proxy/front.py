"""A client connection's first head, under a deadline and a cap. The front answers every CONNECT itself.

A front before mitmproxy's "regular" mode would see only the first head: a GET as one user and then a CONNECT without
credentials on the same socket went through unseen (reference/engine.md, item 1). So an accepted CONNECT is spliced or
handed to mitmproxy with its server set, and everything else goes to a mitmproxy that refuses any CONNECT.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from categories.address import MalformedAddress
from proxy import failing
from proxy.block_page import LAST_RESORT, Answer, ask_of
from proxy.failing import reset
from proxy.flow_facts import Tunnel, connect_facts
from proxy.head import END, Head, MalformedHead, parse_head
from proxy.linger import LingeringWriter, close_behind_answer
from proxy.public_pages import Health
from proxy.recording import Exchange
from proxy.respond import failed_exchange, held, malformed_exchange, page_of, raw_of, recorded, spoil
from proxy.splice import splice
from proxy.verdict import Action
from proxy.worker_state import judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.connections import Connections
    from proxy.identity.identified import Identified
    from proxy.master import Engine
    from proxy.worker_state import WorkerState

log = logging.getLogger(__name__)

_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"

_LAST_RESORT = raw_of(LAST_RESORT, close=True)

_EMPTY = ((b"Content-Length", b"0"),)

#: A client that is challenged this often on one socket is not signing in.
_CHALLENGES = 10


class Front(asyncio.Protocol):
    """One accepted connection, until it is answered, spliced, or handed to mitmproxy."""

    def __init__(self, state: WorkerState, engine: Engine, connections: Connections) -> None:
        self._state = state
        self._engine = engine
        self._connections = connections
        self._buffer = bytearray()
        self._challenges = 0
        self._busy = False
        self._task: asyncio.Task[None] | None = None
        self._exchange: Exchange | None = None  # the CONNECT's, once it is judged
        self._deadline: asyncio.TimerHandle | None = None
        self._silent = True  # the client has had nothing that a 503 could not follow
        self._failed = False
        self._handed = False  # mitmproxy has the socket, and records what is asked on it
        self._transport: asyncio.Transport
        self.client = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the deadline; refuse a client that holds too many connections."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # a TCP server makes no other
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.client = str(peer[0]).partition("%")[0].removeprefix("::ffff:") if peer else ""
        try:
            if self._connections.admit(self):
                self._expect(self._state.limits.head_seconds, self._too_slow)
                return
        except (Exception, asyncio.CancelledError):  # a connection without a deadline would stay for ever
            log.exception("a connection cannot be taken")
        transport.abort()

    def connection_lost(self, _: Exception | None) -> None:
        """Forget the connection. What is at work for it keeps its deadline."""
        if not self._busy:
            self._stop_deadline()
        self._connections.forget(self)

    def data_received(self, data: bytes) -> None:
        """Collect the head; what comes after it stays in the buffer."""
        searched = len(self._buffer)
        self._buffer += data
        if not self._busy:
            self._attempt(self._take_head, max(searched - len(END) + 1, 0))

    def eof_received(self) -> bool:
        """Close: a client that ends before it has asked wants nothing."""
        return False

    @property
    def idle(self) -> bool:
        """True while no head has come: nothing is lost when the connection is closed."""
        return not self._busy and not self._buffer

    def close(self) -> None:
        """Close the connection after what is written."""
        self._transport.close()

    def _expect(self, seconds: float, late: Callable[[], None]) -> None:
        """Set the one deadline that a connection has here: for a head, then for us."""
        self._stop_deadline()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self._attempt, late)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        if self._buffer:
            self._refuse_malformed("no complete head within the time limit", 408)
        else:
            self._transport.close()

    def _take_head(self, start: int = 0) -> None:
        """Look for the end of the head, from where it has not been looked for yet."""
        end = self._buffer.find(END, start)
        if end < 0 and len(self._buffer) <= self._state.limits.head_bytes:
            return
        self._stop_deadline()
        if end < 0 or end > self._state.limits.head_bytes:
            self._refuse_malformed("the head is too large", 431)
            return
        try:
            head = parse_head(bytes(self._buffer[:end]))
        except MalformedHead as error:
            self._refuse_malformed(str(error), 400)
            return
        self._transport.pause_reading()
        self._busy = True  # before the task: an eager one may have answered when create_task returns
        self._expect(failing.HOOK_SECONDS + self._state.limits.dns_seconds, self._too_long)
        self._task = asyncio.get_running_loop().create_task(self._handle(head, end + len(END)))
        self._task.add_done_callback(self._handled)

    async def _handle(self, head: Head, length: int) -> None:
        if head.method == "CONNECT":
            await self._connect(head, length)
        elif head.target.startswith("/"):
            self._public(head)
        else:
            await self._hand_over(None)

    def _public(self, head: Head) -> None:
        """Answer a request to the filter itself: its notice, PAC and certificate. Never keeps the socket."""
        health = Health(self._state.spool.has_room, self._state.spool.problem or "ok")
        ask = ask_of(head.fields, head.method)
        self._send(self._state.in_force.public_pages.answer(head.method, head.target, ask, health), close=True)

    async def _connect(self, head: Head, length: int) -> None:
        """Identify, judge, and refuse, splice or hand over."""
        exchange, identified = await self._judged(head)
        self._exchange, verdict = exchange, exchange.verdict
        del self._buffer[:length]
        if verdict.action is Action.PASSTHROUGH:
            await self._splice(exchange)
        elif verdict.forwards or held(verdict):
            await self._intercept(exchange, identified)
        else:
            self._refuse(head, exchange)

    async def _judged(self, head: Head) -> tuple[Exchange, Identified]:
        snapshot, identity = self._state.in_force.snapshot, self._state.identity
        header = head.value(b"proxy-authorization")
        identified = await identity.identify(header, self.client)
        try:
            facts = connect_facts(head, self.client, identified, snapshot, interceptable=True)
        except MalformedAddress:
            detail = "CONNECT to what is no host and port"
            return malformed_exchange(self.client, snapshot, detail, "CONNECT"), identified
        return Exchange(*await judge(facts, self._state)), identified

    def _establish(self, exchange: Exchange) -> None:
        """Say that the tunnel stands: from here on nothing can be answered in the clear."""
        self._state.recorder.begin(exchange)
        self._silent = False
        self._transport.write(_ESTABLISHED)

    async def _splice(self, exchange: Exchange) -> None:
        limits = self._state.limits
        seconds = limits.hello_seconds + limits.dns_seconds + limits.connect_seconds + failing.HOOK_SECONDS
        self._establish(exchange)
        self._expect(seconds, self._too_long)
        rest, self._buffer = bytes(self._buffer), bytearray()
        try:
            await splice(self._transport, rest, exchange, self._state, self._stop_deadline)
        finally:
            self._stop_deadline()
            self._connections.forget(self)

    async def _intercept(self, exchange: Exchange, identified: Identified) -> None:
        self._establish(exchange)
        if exchange.verdict.forwards:
            exchange.status = 200
        facts = exchange.facts
        await self._hand_over(Tunnel(facts.host, facts.port, identified, exchange))

    async def _hand_over(self, tunnel: Tunnel | None) -> None:
        """Give the socket and the bytes read so far to mitmproxy, by public parts of asyncio only."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        writer = LingeringWriter(self._transport, protocol, reader)
        protocol.connection_made(self._transport)
        self._transport.set_protocol(protocol)
        if self._buffer:
            reader.feed_data(bytes(self._buffer))
            self._buffer.clear()
        self._stop_deadline()
        self._silent = False
        self._transport.resume_reading()
        self._handed = True
        try:
            await self._engine.serve(reader, writer, tunnel)
        finally:
            writer.close()
            await writer.wait_closed()
            self._connections.forget(self)

    def _refuse(self, head: Head, exchange: Exchange) -> None:
        """Answer a CONNECT with a refusal, recorded first. After a challenge the client may try again."""
        ask = ask_of(head.fields, "CONNECT")
        answer = page_of(self._state.in_force.pages, exchange, ask)
        exchange.status, exchange.bytes_out = answer.status, len(answer.body)
        recorded(exchange, self._state.recorder)
        self._challenges += 1
        again = exchange.verdict.action is Action.CHALLENGE and not head.has_body and self._challenges < _CHALLENGES
        self._send(answer, close=not again)
        if again:
            self._busy = False
            self._exchange = None
            self._expect(self._state.limits.head_seconds, self._too_slow)
            self._transport.resume_reading()
            if self._buffer:
                self._take_head()

    def _refuse_malformed(self, why: str, status: int) -> None:
        exchange = malformed_exchange(self.client, self._state.in_force.snapshot, why)
        exchange.status = status
        recorded(exchange, self._state.recorder)
        self._send(Answer(status, _EMPTY, b""), close=True)

    def _attempt(self, step: Callable[..., None], *values: object) -> None:
        """Do a step for which nobody waits. Whatever fails in it becomes a block (invariant 2)."""
        try:
            if not self._failed:
                step(*values)
        except (Exception, asyncio.CancelledError) as error:
            self._fail(error)

    def _handled(self, task: asyncio.Task[None]) -> None:
        """Make a block of whatever failed in the task; our own cancellations are over already."""
        if task.cancelled():
            if not task.cancelling():
                self._fail(asyncio.CancelledError())
        elif isinstance(error := task.exception(), Exception):
            self._fail(error)

    def _too_long(self) -> None:
        self._fail(TimeoutError())
        if self._task is not None:
            self._task.cancel()

    def _fail(self, error: BaseException) -> None:
        """Answer 503 where the client has had nothing yet, else cut; once."""
        if self._failed:
            return
        self._failed = self._busy = True
        log.error("the front failed, so the answer is a block", exc_info=error)
        try:
            self._refuse_failed(error)
        except (Exception, asyncio.CancelledError):  # even the refusal failed: nothing may pass
            log.exception("the refusal failed, so the connection is cut")
            reset(self._transport)

    def _refuse_failed(self, error: BaseException) -> None:
        if (exchange := self._exchange) is None and not self._handed:
            exchange = failed_exchange(self.client, self._state.in_force.snapshot)
        if exchange is not None and not exchange.ended:
            spoil(exchange, "front", error)
            recorded(exchange, self._state.recorder)
        if self._silent:
            self._transport.write(_LAST_RESORT)
            close_behind_answer(self._transport, lambda: self._connections.forget(self))
        else:
            reset(self._transport)

    def _send(self, answer: Answer, *, close: bool) -> None:
        self._stop_deadline()
        self._silent = not close
        self._transport.write(raw_of(answer, close=close))
        if close:
            close_behind_answer(self._transport, lambda: self._connections.forget(self))
