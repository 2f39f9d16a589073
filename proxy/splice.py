"""A tunnel that is never decrypted: its ClientHello is read, its bytes are relayed, and it can be cut.

The name in the ClientHello must be the CONNECT's: a pass-through list that looks at one of them only is a tunnel
(reference/bypass-and-p2p.md, item 13). The origin is dialled after that, and at the addresses that were judged.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from proxy.approved_tunnel import PROTOCOLS, TLS
from proxy.client_hello import HELLO_CAP, MalformedHello, hello_of, is_whole
from proxy.connect import UpstreamError
from proxy.evaluate import evaluate
from proxy.facts import OPENING_CAP, Carrier, Opening, Stage
from proxy.flow_facts import protocols, sni_of
from proxy.recording import TIMEOUT
from proxy.respond import raw_verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.client_hello import Hello
    from proxy.detectors.signature import Fits
    from proxy.recording import Exchange
    from proxy.worker_state import WorkerState


class NotSpoken(Exception):
    """What came after CONNECT does not begin what may be spoken there, or did not come in time."""

    def __init__(self, why: str, client: bytearray, server: bytearray | None = None) -> None:
        super().__init__(why)
        named = (b"" if side.startswith(b"\x16\x03") else bytes(side[:OPENING_CAP]) for side in (client, server or b""))
        self.opening = Opening(Carrier.TUNNEL, *named)  # TLS that cannot be read is no protocol to be named


class ClientGone(Exception):
    """The client left before it had said anything: a browser that opened a tunnel in advance."""


async def splice(
    transport: asyncio.Transport, rest: bytes, exchange: Exchange, state: WorkerState, opened: Callable[[], None]
) -> None:
    """Relay between a client's transport and the exchange's destination until both sides have ended.

    `rest` is what was read behind the CONNECT head; `opened` is called when bytes begin to pass. Records the exchange
    when it ends; what fails in a way that nobody foresaw is the caller's to record.
    """
    try:
        await _splice(transport, rest, exchange, state, opened)
    except NotSpoken as error:
        exchange.verdict = raw_verdict(exchange.facts, error.opening, state.in_force.snapshot)
        exchange.status, exchange.detail = exchange.verdict.status, str(error)
    except ClientGone:
        exchange.outcome = "client-abort"
    except UpstreamError as error:
        exchange.outcome, exchange.detail = _outcome(error), str(error.args[0])
    transport.close()
    state.recorder.end(exchange)


def _outcome(error: UpstreamError) -> str:
    return error.outcome if error.outcome in ("dns", "connect", "timeout") else "connect"


async def _splice(
    transport: asyncio.Transport, rest: bytes, exchange: Exchange, state: WorkerState, opened: Callable[[], None]
) -> None:
    client = _Side()
    client.connection_made(transport)
    transport.set_protocol(client)
    client.held += rest
    transport.resume_reading()
    facts = exchange.facts
    spoken = state.in_force.snapshot.approved_tunnels.get((facts.host, facts.port), TLS)
    if spoken == TLS and not await _greets(client, exchange, state):
        return
    exchange.status = 200
    sock = await state.dialer.socket_to(facts.host, facts.port)
    _, origin = await asyncio.get_running_loop().create_connection(_Side, sock=sock)
    if spoken != TLS:
        client.expected, origin.expected = PROTOCOLS[spoken].client, PROTOCOLS[spoken].server
    exchange.cut = partial(_abort, client, origin)
    await _relay(client, origin, exchange, state.limits.tunnel_idle_seconds, opened)
    if (error := client.failed or origin.failed) is not None:
        raise error
    if client.strange or origin.strange:
        raise NotSpoken(f"not {spoken}, which is approved there", client.held, origin.held)


async def _greets(client: _Side, exchange: Exchange, state: WorkerState) -> bool:
    """Wait for a whole ClientHello and judge it; False where the exchange has taken a verdict that refuses it."""
    hello = await _hello(client, state.limits.hello_seconds)
    sni, alpn = sni_of(hello.name) or "", protocols(hello.alpn)
    exchange.facts = replace(exchange.facts, stage=Stage.CLIENT_HELLO, sni=sni, alpn=alpn, interceptable=False)
    verdict = evaluate(exchange.facts, state.in_force.snapshot)
    if not verdict.forwards:
        exchange.verdict, exchange.status = verdict, verdict.status
    return verdict.forwards


async def _hello(client: _Side, seconds: float) -> Hello:
    """Wait for a whole ClientHello."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                if client.failed is not None:
                    raise client.failed
                if is_whole(client.held):
                    return hello_of(bytes(client.held))
                if client.ended and not client.held:
                    raise ClientGone
                if client.ended:
                    raise NotSpoken("no ClientHello behind CONNECT", client.held)
                await client.more()
    except TimeoutError:
        said = "no whole ClientHello" if client.held else "nothing said behind CONNECT"
        raise NotSpoken(f"{said} within {seconds:g} s", client.held) from None
    except MalformedHello as error:
        raise NotSpoken(f"no ClientHello behind CONNECT: {error}", client.held) from None


async def _relay(
    client: _Side, origin: _Side, exchange: Exchange, idle_seconds: float, opened: Callable[[], None]
) -> None:
    """Join the two sides and wait until both have ended, or neither has said anything for too long."""
    loop = asyncio.get_running_loop()
    last = [loop.time()]

    def sent(count: int) -> None:
        exchange.bytes_in += count
        last[0] = loop.time()

    def received(count: int) -> None:
        exchange.bytes_out += count
        last[0] = loop.time()

    try:
        origin.join(client, received)
        client.join(origin, sent)
        opened()
        while not (client.lost.is_set() and origin.lost.is_set()):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(idle_seconds / 4):
                    await client.lost.wait()
                    await origin.lost.wait()
            if loop.time() - last[0] > idle_seconds:
                exchange.outcome = TIMEOUT
                return
    finally:
        _abort(client, origin)


def _abort(*sides: _Side) -> None:
    for side in sides:
        side.abort()


class _Side(asyncio.Protocol):
    """One end of a relay. Until it is joined to its peer it holds what it receives."""

    def __init__(self) -> None:
        self.held = bytearray()
        self.ended = False
        self.lost = asyncio.Event()
        self.expected: Fits | None = None  # how what is received has to begin; None where that is settled
        self.strange = False  # it began otherwise
        self.failed: BaseException | None = None  # what went wrong in a callback of ours, which ends the side
        self._came = asyncio.Event()
        self._peer: _Side | None = None
        self._count: Callable[[int], None] = _nothing
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # a TCP socket makes no other
        self._transport = transport

    def join(self, peer: _Side, count: Callable[[int], None]) -> None:
        """Send to `peer` what was held and all that comes, and tell `count` how many bytes."""
        self._peer, self._count = peer, count
        self.resume()
        held, self.held = bytes(self.held), bytearray()
        if held:
            self.data_received(held)
        if self.ended:
            self._end_peer()

    async def more(self) -> None:
        """Wait for more bytes, or the end."""
        self._came.clear()
        await self._came.wait()

    def data_received(self, data: bytes) -> None:
        if self._peer is None:
            self.held += data
            self._came.set()
            if len(self.held) > HELLO_CAP:
                self._transport.pause_reading()
            return
        if self.expected is not None and not (data := self._checked(data)):
            return
        self._count(len(data))
        self._peer.write(data)

    def _checked(self, data: bytes) -> bytes:
        """Give what may go on: nothing until it is known to begin as it has to."""
        assert self.expected is not None  # noqa: S101  # the caller has looked
        self.held += data
        fits = self.expected(bytes(self.held))
        self.strange = fits is False or (fits is None and len(self.held) > OPENING_CAP)
        if self.strange:
            self.abort()
        if not fits or self.strange:
            return b""
        self.expected = None
        data, self.held = bytes(self.held), bytearray()
        return data

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def eof_received(self) -> bool:
        """Pass a half-close on, where the peer's transport can (TLS cannot)."""
        self.ended = True
        self._came.set()
        self._end_peer()
        return True

    def _end_peer(self) -> None:
        if self._peer is not None:
            self._peer.end()

    def end(self) -> None:
        """Say that nothing more will be written."""
        if self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()
        if self.ended:
            self._transport.close()

    def pause_writing(self) -> None:
        """Our peer's bytes do not leave fast enough: stop reading them."""
        if self._peer is not None:
            self._peer.pause()

    def resume_writing(self) -> None:
        if self._peer is not None:
            self._peer.resume()

    def pause(self) -> None:
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, error: BaseException | None) -> None:
        if not isinstance(error, OSError):  # that one is the network's
            self.failed = error
        self.ended = True
        self.lost.set()
        self._came.set()
        if self._peer is not None:
            self._peer.close()

    def close(self) -> None:
        """Close after what is written."""
        self._transport.close()

    def abort(self) -> None:
        """Close at once: what a peer has not taken by now is dropped, or its socket would stay for ever."""
        self._transport.abort()


def _nothing(_: int) -> None:
    """Count nothing: the side is not joined yet."""
