"""One question, one answer, at every stage: facts and a policy snapshot in, a verdict out. No clock, no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from categories.entries import Covers
from categories.taxonomy import TAXONOMY, Basis
from proxy import reasons
from proxy.detectors import DETECTORS
from proxy.detectors.destination import mismatch
from proxy.facts import HOST_STAGES, Stage
from proxy.listed import circumstances, listed
from proxy.precedence import Effect, settle
from proxy.snapshot import covering_name, transparent_network_of
from proxy.unblock import Scope
from proxy.verdict import Action, Verdict

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.precedence import Circumstances, Settlement
    from proxy.snapshot import PolicySnapshot
    from proxy.verdict import Match

#: A host is not passed through because some expression matches its name: what it does is not looked into then.
_NAMED = frozenset({Covers.DOMAIN, Covers.HOST})
_WEB_PORTS = frozenset({80, 443})


def evaluate(facts: RequestFacts, snapshot: PolicySnapshot) -> Verdict:
    """Decide about one stage of one request. A malformed request never comes here: the front answers it itself."""
    if _is_ours(facts, snapshot):
        return snapshot.allowed
    if problem := _identity_problem(facts, snapshot):
        return _challenge(problem, snapshot.revision)
    matches = matches_of(facts, snapshot)
    if not matches:
        verdict, held_open = snapshot.allowed, False
    else:
        settlement = settle(matches, circumstances_of(matches, facts, snapshot))
        verdict, held_open = _verdict(settlement, snapshot.revision), _waits_for_path(settlement)
    if facts.stage is Stage.CONNECT and verdict.forwards and not held_open and is_passed_through(facts, snapshot):
        return _passed_through(verdict)
    return verdict


def evaluate_later(facts: RequestFacts, snapshot: PolicySnapshot) -> Verdict | None:
    """Decide again about what was let through, at a later stage; None where nothing more is recognised there."""
    recognised = any(detector(facts, snapshot) is not None for detector in DETECTORS[facts.stage])
    return evaluate(facts, snapshot) if recognised else None


def error_verdict(what: str, revision: int) -> Verdict:
    """Fail closed: the answer to a failure of ours. `what` ends the reason code: "hook", "usage-log"."""
    return Verdict(Action.BLOCK, f"error.{what}", revision, status=503)


def refusal(match: Match, revision: int) -> Verdict:
    """The block for a match that was found outside `evaluate`, such as the dialer's `judge_address`."""
    basis = _basis(match)
    return Verdict(
        Action.BLOCK, match.reason, revision, match.category, basis, (match,), status=reasons.status_of(match.reason)
    )


def matches_of(facts: RequestFacts, snapshot: PolicySnapshot) -> tuple[Match, ...]:
    """Everything that detectors, lists and ITS say, in no particular order.

    The lists are asked about the place where the bytes go. A name that the client only claims is compared with it
    (`address.mismatch`); it is neither believed nor put on the person's record as a category.
    """
    found = [match for detector in DETECTORS[facts.stage] if (match := detector(facts, snapshot)) is not None]
    host_only = facts.stage in HOST_STAGES
    path, query = ("", "") if host_only else (facts.path, facts.query)
    return (*found, *listed(facts.target_host, path, query, snapshot))


def circumstances_of(matches: tuple[Match, ...], facts: RequestFacts, snapshot: PolicySnapshot) -> Circumstances:
    """What the table of precedence has to know beside the matches."""
    return circumstances(matches, facts, facts.target_host, _known_path(facts), snapshot)


def is_passed_through(facts: RequestFacts, snapshot: PolicySnapshot) -> bool:
    """True when this host's TLS is never opened: by name, or by the category of its host."""
    host = facts.target_host
    if (host, facts.target_port) in snapshot.approved_tunnels or covering_name(host, snapshot.passthrough) is not None:
        return True
    if not snapshot.passthrough_categories:
        return False
    entries = snapshot.index.lookup(host, "", "")
    return any(
        entry.category in snapshot.passthrough_categories and entry.covers in _NAMED and not entry.white
        for entry in entries
    )


def _is_ours(facts: RequestFacts, snapshot: PolicySnapshot) -> bool:
    """Console, PAC, CA and policy pages: reachable before sign-in, and never filtered away."""
    if facts.target_host != snapshot.public_name:
        return False
    port = facts.target_port
    return (port in _WEB_PORTS or port in snapshot.own_ports) and mismatch(facts, snapshot) is None


def _identity_problem(facts: RequestFacts, snapshot: PolicySnapshot) -> str | None:
    if facts.original is not None:  # nobody can be asked: the network speaks for its devices, or they are not served
        return None if transparent_network_of(facts.client, snapshot) else "required"
    if not snapshot.identity_required:
        return None
    return facts.identity_problem or (None if facts.user else "required")


def _challenge(problem: str, revision: int) -> Verdict:
    return Verdict(Action.CHALLENGE, f"identity.{problem}", revision, basis=Basis.DISTRICT_POLICY, status=407)


def _known_path(facts: RequestFacts) -> str | None:
    """The path; None before it is known; "" where it never will be, and nothing about a path may count."""
    if facts.stage not in HOST_STAGES:
        return facts.path
    return None if facts.interceptable else ""


def _waits_for_path(settlement: Settlement) -> bool:
    """True when an unblock of one path opened the tunnel: it has to be decrypted, so that other paths stay blocked."""
    return any(lifted.unblock is not None and lifted.unblock.scope is Scope.PATH for lifted in settlement.lifted)


_ACTIONS = {Effect.BLOCK: Action.BLOCK, Effect.MONITOR: Action.MONITOR, Effect.LIFT: Action.ALLOW}


def _verdict(settlement: Settlement, revision: int) -> Verdict:
    action = _ACTIONS.get(settlement.row.effect, Action.ALLOW)
    winner = settlement.winner
    if winner is None:
        return _allowed(settlement, revision)
    return Verdict(
        action,
        winner.reason,
        revision,
        winner.category,
        _basis(winner),
        _with_first(winner, settlement.matches),
        status=reasons.status_of(winner.reason) if action is Action.BLOCK else 200,
    )


def _allowed(settlement: Settlement, revision: int) -> Verdict:
    """Allowed, recorded with what matched. The first thing that was lifted says why it is allowed."""
    matches = settlement.matches
    if not settlement.lifted:
        first = next((match for match in matches if match.reason != reasons.WHITE_LIST), matches[0])
        return Verdict(Action.ALLOW, reasons.DEFAULT, revision, first.category, matches=_with_first(first, matches))
    lifted = settlement.lifted[0]
    if lifted.unblock is not None:
        matches = _with_first(lifted.match, matches)
        return Verdict(
            Action.ALLOW, reasons.UNBLOCK, revision, lifted.match.category, matches=matches, unblock=lifted.unblock.id
        )
    white = next(match for match in matches if match.reason == reasons.WHITE_LIST)
    return Verdict(
        Action.ALLOW, reasons.WHITE_LIST, revision, lifted.match.category, matches=_with_first(white, matches)
    )


def _passed_through(verdict: Verdict) -> Verdict:
    return Verdict(
        Action.PASSTHROUGH, verdict.reason, verdict.policy_revision, verdict.category, verdict.basis, verdict.matches,
        verdict.unblock,
    )  # fmt: skip


def _with_first(first: Match, matches: tuple[Match, ...]) -> tuple[Match, ...]:
    return (first, *(match for match in matches if match is not first))


def _basis(match: Match) -> Basis:
    category = TAXONOMY.get(match.category or "")
    return category.basis if category else Basis.DISTRICT_POLICY
