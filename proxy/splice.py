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

from proxy.client_hello import HELLO_CAP, MalformedHello, is_whole, server_name
from proxy.connect import UpstreamError
from proxy.evaluate import evaluate
from proxy.facts import Stage
from proxy.flow_facts import sni_of
from proxy.recording import TIMEOUT
from proxy.respond import raw_verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.recording import Exchange
    from proxy.worker_state import WorkerState


class NoClientHello(Exception):
    """What came after CONNECT is not the beginning of TLS, or did not come in time."""


class ClientSilent(Exception):
    """The client has said nothing in its time: we close."""


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
    except NoClientHello as error:
        exchange.verdict = raw_verdict(exchange.verdict.policy_revision)
        exchange.status, exchange.detail = exchange.verdict.status, str(error)
    except ClientGone:
        exchange.outcome = "client-abort"
    except ClientSilent:
        exchange.outcome = TIMEOUT
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
    asked = await _server_name(client, state.limits.hello_seconds)
    facts = replace(exchange.facts, stage=Stage.CLIENT_HELLO, sni=sni_of(asked) or "", interceptable=False)
    verdict = evaluate(facts, state.in_force.snapshot)
    exchange.facts = facts
    if not verdict.forwards:
        exchange.verdict, exchange.status = verdict, verdict.status
        return
    exchange.status = 200
    sock = await state.dialer.socket_to(facts.host, facts.port)
    _, origin = await asyncio.get_running_loop().create_connection(_Side, sock=sock)
    exchange.cut = partial(_abort, client, origin)
    await _relay(client, origin, exchange, state.limits.tunnel_idle_seconds, opened)
    if (error := client.failed or origin.failed) is not None:
        raise error


async def _server_name(client: _Side, seconds: float) -> str | None:
    """Wait for a whole ClientHello and give the name it asks for."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                if client.failed is not None:
                    raise client.failed
                if is_whole(client.held):
                    return server_name(bytes(client.held))
                if client.ended and not client.held:
                    raise ClientGone
                if client.ended:
                    raise NoClientHello("no ClientHello behind CONNECT")
                await client.more()
    except TimeoutError:
        if not client.held:
            raise ClientSilent from None
        raise NoClientHello(f"no whole ClientHello within {seconds:g} s") from None
    except MalformedHello as error:
        raise NoClientHello(f"no ClientHello behind CONNECT: {error}") from None


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
        self._count(len(data))
        self._peer.write(data)

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
