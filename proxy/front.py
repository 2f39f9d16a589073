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
from proxy.block_page import LAST_RESORT, Answer, ask_of
from proxy.evaluate import error_verdict
from proxy.flow_facts import Tunnel, connect_facts, malformed_facts
from proxy.head import END, Head, MalformedHead, parse_head
from proxy.linger import LingeringWriter, close_behind_answer
from proxy.public_pages import Health
from proxy.recording import Exchange
from proxy.respond import held, malformed_exchange, raw_of
from proxy.splice import splice
from proxy.verdict import Action
from proxy.worker_state import judge
from usage_log.spool import SpoolFull

if TYPE_CHECKING:
    from proxy.connections import Connections
    from proxy.identity.identified import Identified
    from proxy.master import Engine
    from proxy.worker_state import WorkerState

log = logging.getLogger(__name__)

_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"

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
        self._deadline: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport
        self.client = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the deadline; refuse a client that holds too many connections."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # a TCP server makes no other
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.client = str(peer[0]).partition("%")[0].removeprefix("::ffff:") if peer else ""
        if not self._connections.admit(self):
            transport.abort()
            return
        self._expect_head()

    def connection_lost(self, _: Exception | None) -> None:
        """Forget the connection."""
        self._stop_deadline()
        self._connections.forget(self)

    def data_received(self, data: bytes) -> None:
        """Collect the head; what comes after it stays in the buffer."""
        searched = len(self._buffer)
        self._buffer += data
        if not self._busy:
            self._take_head(max(searched - len(END) + 1, 0))

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

    def _expect_head(self) -> None:
        seconds = self._state.limits.head_seconds
        self._deadline = asyncio.get_running_loop().call_later(seconds, self._too_slow)

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
        self._task = asyncio.get_running_loop().create_task(self._handle(head, end + len(END)))

    async def _handle(self, head: Head, length: int) -> None:
        try:
            if head.method == "CONNECT":
                await self._connect(head, length)
            elif head.target.startswith("/"):
                self._public(head)
            else:
                await self._hand_over(None)
        except Exception:  # invariant 2: whatever fails here becomes a block
            log.exception("the front failed, so the answer is a block")
            self._refuse_failed()

    def _public(self, head: Head) -> None:
        """Answer a request to the filter itself: its notice, PAC and certificate. Never keeps the socket."""
        health = Health(self._state.spool.has_room, self._state.spool.problem or "ok")
        ask = ask_of(head.fields, head.method)
        self._send(self._state.in_force.public_pages.answer(head.method, head.target, ask, health), close=True)

    async def _connect(self, head: Head, length: int) -> None:
        """Identify, judge, and refuse, splice or hand over."""
        exchange, identified = await self._judged(head)
        verdict = exchange.verdict
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
            facts = connect_facts(head.target, self.client, identified, snapshot, interceptable=True)
        except MalformedAddress:
            detail = "CONNECT to what is no host and port"
            return malformed_exchange(self.client, snapshot, detail, "CONNECT"), identified
        return Exchange(*await judge(facts, self._state)), identified

    async def _splice(self, exchange: Exchange) -> None:
        self._transport.write(_ESTABLISHED)
        self._state.recorder.begin(exchange)
        rest, self._buffer = bytes(self._buffer), bytearray()
        try:
            await splice(self._transport, rest, exchange, self._state)
        finally:
            self._connections.forget(self)

    async def _intercept(self, exchange: Exchange, identified: Identified) -> None:
        self._transport.write(_ESTABLISHED)
        if exchange.verdict.forwards:
            exchange.status = 200
        self._state.recorder.begin(exchange)
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
        self._transport.resume_reading()
        try:
            await self._engine.serve(reader, writer, tunnel)
        finally:
            writer.close()
            await writer.wait_closed()
            self._connections.forget(self)

    def _refuse(self, head: Head, exchange: Exchange) -> None:
        """Answer a CONNECT with a refusal, recorded first. After a challenge the client may try again."""
        ask = ask_of(head.fields, "CONNECT")
        answer = self._state.in_force.pages.answer(exchange.verdict, exchange.facts, ask, exchange.id)
        exchange.status, exchange.bytes_out = answer.status, len(answer.body)
        self._record(exchange)
        self._challenges += 1
        again = exchange.verdict.action is Action.CHALLENGE and not head.has_body and self._challenges < _CHALLENGES
        self._send(answer, close=not again)
        if again:
            self._busy = False
            self._expect_head()
            self._transport.resume_reading()
            if self._buffer:
                self._take_head()

    def _refuse_malformed(self, why: str, status: int) -> None:
        exchange = malformed_exchange(self.client, self._state.in_force.snapshot, why)
        exchange.status = status
        self._record(exchange)
        self._send(Answer(status, _EMPTY, b""), close=True)

    def _refuse_failed(self) -> None:
        snapshot = self._state.in_force.snapshot
        exchange = Exchange(malformed_facts(self.client, snapshot, ""), error_verdict("hook", snapshot.revision))
        self._record(exchange)
        self._send(LAST_RESORT, close=True)

    def _record(self, exchange: Exchange) -> None:
        """Record a refusal. Where the log has no room it is refused all the same, and said where an operator looks."""
        try:
            self._state.recorder.end(exchange)
        except SpoolFull as full:
            log.error("not recorded: %s %s: %s", exchange.verdict.action.value, exchange.verdict.reason, full)

    def _send(self, answer: Answer, *, close: bool) -> None:
        self._transport.write(raw_of(answer, close=close))
        if close:
            close_behind_answer(self._transport, lambda: self._connections.forget(self))
