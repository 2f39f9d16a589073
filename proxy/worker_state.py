"""What one worker holds: the policy in force, and the few things that have a state."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from proxy import reasons
from proxy.connect import NameNotFound, is_this_machine
from proxy.detectors.destination import goes_where_it_says, judge_address
from proxy.evaluate import error_verdict, evaluate
from proxy.flooding import Floods

if TYPE_CHECKING:
    from config.proxy_settings import Limits
    from proxy.block_page import Pages
    from proxy.bounded_cache import BoundedCache
    from proxy.connect import Dialer, IPAddress, Resolver
    from proxy.facts import RequestFacts
    from proxy.identity.local import LocalIdentity
    from proxy.public_pages import PublicPages
    from proxy.recording import Recorder
    from proxy.snapshot import PolicySnapshot
    from proxy.verdict import Verdict
    from usage_log.spool import Spool


@dataclass(frozen=True, slots=True)
class InForce:
    """All that a revision or a list generation changes: swapped in one assignment."""

    snapshot: PolicySnapshot
    pages: Pages
    public_pages: PublicPages
    limits: Limits


@dataclass(slots=True)
class WorkerState:
    """A worker's state. Only `in_force` is replaced while it runs."""

    in_force: InForce
    identity: LocalIdentity
    recorder: Recorder
    spool: Spool
    resolver: Resolver
    dialer: Dialer
    own_ports: frozenset[int]  # those of the listeners, as they are bound
    refused_certificates: BoundedCache[str, int]  # hosts whose clients refuse our certificate, and how often
    floods: Floods = field(default_factory=Floods)  # addresses whose HTTP/2 connections keep being ended

    @property
    def limits(self) -> Limits:
        """The district's limits: sizes in bytes, times in seconds."""
        return self.in_force.limits

    def refuses(self, address: IPAddress, port: int) -> str | None:
        """Say why policy in force refuses to connect to (address, port); None where it does not."""
        if (match := judge_address(address, port, self.in_force.snapshot)) is not None:
            return match.title
        # The snapshot knows the listeners as they are set; on 0.0.0.0, or port 0, only the machine itself can tell.
        return "this filter itself" if port in self.own_ports and is_this_machine(address) else None


async def judge(facts: RequestFacts, state: WorkerState) -> tuple[RequestFacts, Verdict]:
    """Evaluate facts; what would be forwarded is evaluated again with every address that its name resolves to.

    A name that does not resolve keeps its verdict: an allow whose outcome is `dns`. Where a redirected connection goes
    elsewhere than our answer says, the device's may be newer: the name's latest addresses count before it is refused.
    """
    facts, verdict = await _judged(facts, state)
    if verdict.reason != reasons.MISMATCH or facts.ip is not None or goes_where_it_says(facts):
        return facts, verdict
    try:
        facts = replace(facts, addresses=await state.resolver.lately(facts.host))
    except NameNotFound:
        return facts, verdict
    return facts, evaluate(facts, state.in_force.snapshot)


async def _judged(facts: RequestFacts, state: WorkerState) -> tuple[RequestFacts, Verdict]:
    snapshot = state.in_force.snapshot
    if not state.spool.has_room and facts.target_host != snapshot.public_name:
        return facts, error_verdict("usage-log", snapshot.revision)
    if facts.ip is None and (known := state.resolver.cached(facts.host)) is not None:
        facts = replace(facts, addresses=known)
    verdict = evaluate(facts, snapshot)
    if facts.ip is not None or facts.addresses or not verdict.forwards or facts.host == snapshot.public_name:
        return facts, verdict
    try:
        facts = replace(facts, addresses=await state.resolver.resolve(facts.host))
    except NameNotFound:
        return facts, verdict
    return facts, evaluate(facts, snapshot)
