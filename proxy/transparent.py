"""Connections that a router redirects to the filter, for devices that can be told of no proxy (decision 0019).

Each becomes what a CONNECT to the name that it gives would have been: judged, then spliced, opened or refused by the
same steps. That name is a claim, so it must resolve to the address that the client meant to reach. Nobody can be asked
for a password here: only the named networks are served, and no user stands in their records.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from categories.address import MalformedAddress, canonical_host, parse_authority
from proxy import failing, reasons
from proxy.client_hello import MalformedHello
from proxy.facts import OPENING_CAP, Carrier, Opening
from proxy.flow_facts import connect_facts
from proxy.front import Front
from proxy.head import Head, MalformedHead
from proxy.identity.identified import Identified, Problem
from proxy.recording import Exchange
from proxy.redirected import Claim, NotTheWeb, claim_of, has_begun, original_destination, speaks_tls
from proxy.respond import held, malformed_exchange, page_of, raw_verdict, recorded, technique_verdict
from proxy.snapshot import transparent_network_of
from proxy.verdict import Action
from proxy.worker_state import judge

if TYPE_CHECKING:
    from proxy.block_page import Answer
    from proxy.connect import IPAddress
    from proxy.facts import RequestFacts
    from proxy.flow_facts import Tunnel
    from proxy.snapshot import PolicySnapshot

_METHOD = "network"
_NOWHERE = "a redirected connection without a destination"


class TransparentFront(Front):
    """One redirected connection, until it is refused, spliced, or handed to mitmproxy."""

    _original: tuple[IPAddress, int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give the client the time for a ClientHello: nothing is said to one that waits for us to begin."""
        super().connection_made(transport)
        if not transport.is_closing():
            self._attempt(self._expect, self._state.limits.hello_seconds, self._too_slow)

    def _take_head(self, start: int = 0) -> None:
        """Wait for a whole ClientHello or head, and begin to judge what it claims."""
        self._silent = not speaks_tls(self._buffer)  # no page can follow where TLS is spoken
        try:
            claim = claim_of(self._buffer, start, self._state.limits.head_bytes)
        except (MalformedHello, NotTheWeb) as error:
            if self._redirected():
                self._refuse_raw(str(error))
            return
        except MalformedHead as error:
            self._refuse_malformed(str(error), 400)
            return
        if claim is None or not self._redirected():
            return
        self._begin(claim)

    def _too_slow(self) -> None:
        """Refuse a client that waits for us to speak first, or that never ends what it has begun."""
        if has_begun(self._buffer):
            self._refuse_malformed("no complete head within the time limit", 408)
        elif self._redirected():
            self._refuse_raw("nothing of TLS or HTTP within the time limit")

    def _redirected(self) -> bool:
        """Ask where the connection was meant to go; refuse it and say False where it was meant for us."""
        self._original = original_destination(self._transport.get_extra_info("socket"))
        if self._original is None:
            self._refuse_malformed("a connection that no router has redirected", 400)
        return self._original is not None

    def _refuse_raw(self, why: str) -> None:
        """Close what is neither TLS nor HTTP, recorded as what its first bytes show."""
        if self._original is None:
            raise RuntimeError(_NOWHERE)
        snapshot = self._state.in_force.snapshot
        identified = network_identity(self.client, snapshot)
        facts = claimed_facts(Claim(None, tls=False), *self._original, self.client, identified, snapshot)
        opening = Opening(Carrier.TUNNEL, bytes(self._buffer[:OPENING_CAP]))
        verdict = raw_verdict(facts, opening, snapshot)
        self._exchange = Exchange(facts, verdict, status=verdict.status, detail=why)
        recorded(self._exchange, self._state.recorder)
        self._end()

    def _begin(self, claim: Claim) -> None:
        """Judge what is claimed, in a task of its own, with nothing read meanwhile."""
        if self._original is None:
            raise RuntimeError(_NOWHERE)
        self._transport.pause_reading()
        self._busy = True  # before the task: an eager one may have answered when create_task returns
        self._expect(failing.HOOK_SECONDS + self._state.limits.dns_seconds, self._too_long)
        self._task = asyncio.get_running_loop().create_task(self._serve(claim, *self._original))
        self._task.add_done_callback(self._handled)

    async def _serve(self, claim: Claim, ip: IPAddress, port: int) -> None:
        """Judge, and refuse, splice or hand over."""
        exchange, identified = await self._judged_claim(claim, ip, port)
        self._exchange, verdict = exchange, exchange.verdict
        if verdict.action is Action.PASSTHROUGH and claim.tls:
            await self._splice(exchange)
        elif verdict.forwards or (held(verdict) and verdict.reason != reasons.MISMATCH):
            await self._intercept(exchange, identified)
        else:
            self._decline(exchange, claim)

    async def _judged_claim(self, claim: Claim, ip: IPAddress, port: int) -> tuple[Exchange, Identified]:
        snapshot = self._state.in_force.snapshot
        identified = network_identity(self.client, snapshot)
        try:
            facts = claimed_facts(claim, ip, port, self.client, identified, snapshot)
        except MalformedAddress:
            return malformed_exchange(self.client, snapshot, "a host name that is none"), identified
        exchange = Exchange(*await judge(facts, self._state))
        if exchange.verdict.forwards and not is_verified(exchange.facts):
            exchange.verdict = technique_verdict(reasons.MISMATCH, snapshot.revision)
            exchange.detail = "the name has no address"
        return exchange, identified

    def _establish(self, exchange: Exchange) -> None:
        """Nothing is said: the client believes that it speaks to the origin."""
        self._state.recorder.begin(exchange)
        self._silent = False

    async def _hand_over(self, tunnel: Tunnel | None) -> None:
        """Give it to mitmproxy as a tunnel to the name, with every byte that the client has sent."""
        if tunnel is None or self._original is None:
            raise RuntimeError(_NOWHERE)
        tunnel.original = self._original[0]
        await super()._hand_over(tunnel)

    def _decline(self, exchange: Exchange, claim: Claim) -> None:
        """Refuse, recorded first: a page where HTTP is spoken, the end of the connection where TLS is."""
        if exchange.verdict.action is Action.CHALLENGE:  # nobody answers a 407 to a proxy that they do not know of
            exchange.verdict = replace(exchange.verdict, action=Action.BLOCK, status=403)
        answer = page_of(self._state.in_force.pages, exchange, claim.ask)
        exchange.status = answer.status
        exchange.bytes_out = 0 if claim.tls else len(answer.body)
        recorded(exchange, self._state.recorder)
        self._send(answer, close=True)

    def _send(self, answer: Answer, *, close: bool) -> None:
        """Answer, and close; nothing but the end is said to a client that speaks TLS."""
        if speaks_tls(self._buffer):
            self._end()
        else:
            super()._send(answer, close=True)

    def _end(self) -> None:
        self._stop_deadline()
        self._transport.close()


def network_identity(client: str, snapshot: PolicySnapshot) -> Identified:
    """Name the network that speaks for its devices; whoever is in none would have to say who they are, and cannot."""
    name = transparent_network_of(client, snapshot)
    return Identified(None, _METHOD, Problem.REQUIRED) if name is None else Identified(None, f"{_METHOD}:{name}", None)


def claimed_facts(
    claim: Claim, ip: IPAddress, port: int, client: str, identified: Identified, snapshot: PolicySnapshot
) -> RequestFacts:
    """State what a redirected connection to (ip, port) says, as if it were a CONNECT.

    One that names no host is one to the address itself. Raises MalformedAddress.
    """
    host, named_port = str(ip), port
    if claim.name is not None and claim.tls:
        host = canonical_host(claim.name)
    elif claim.name is not None:
        host, named_port = parse_authority(claim.name, default_port=port)
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    facts = connect_facts(Head("CONNECT", authority, ()), client, identified, snapshot, interceptable=True)
    other = f"{facts.host}:{named_port}" if named_port != port else None
    return replace(facts, original=ip, host_header=other)


def is_verified(facts: RequestFacts) -> bool:
    """Say whether the name is known to resolve to where the connection was meant to go.

    An address that is another was a mismatch to the policy already; here it is a name that nobody could resolve.
    """
    return facts.ip is not None or bool(facts.addresses)
