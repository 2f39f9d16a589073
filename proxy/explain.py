"""Why would this address be blocked or allowed, for this user, at this time? Asked of the engine that decides traffic.

Two things stay open, and the answer says so: child-abuse lists are not asked, because an answer about them would be a
way of searching them; and nothing is resolved, so private addresses behind a name are not seen.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from config.problems import shown
from proxy.asking import as_asked, asked_of, facts_of, judged
from proxy.detectors.nested import addresses_inside
from proxy.detectors.unwrapping import TooMuch
from proxy.evaluate import circumstances_of, evaluate
from proxy.identity.accounts import canonical_name
from proxy.precedence import Circumstances, Effect, Settlement, applies, settle
from proxy.reach import domains_of, reach_of
from proxy.reasons import WHITE_LIST, is_technique, title_of
from proxy.snapshot import covering_name, groups_of
from proxy.verdict import Action

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from proxy.facts import RequestFacts, Stage
    from proxy.identity.accounts import Accounts
    from proxy.reach import CountBelow, Reach
    from proxy.snapshot import PolicySnapshot
    from proxy.verdict import Match, Verdict

_NO_CHILD_ABUSE = "Child-abuse lists are not asked here; in traffic they come first."
_NOT_RESOLVED = "The name was not resolved: in traffic, a private address behind it is refused."
#: How many addresses inside the one that is asked about are told, and how much of each, in characters.
_INSIDE_SHOWN, _URL_SHOWN = 20, 200
_SHOWN = "shown by a relay, so judged in full"
_CARRIED = "only carried, so it counts where it is on the floor or listed as a web proxy"
_ANYBODY = "No user was given: this is what somebody in no group gets, once signed in."


@dataclass(frozen=True, slots=True)
class Weighed:
    """One match, and what became of it."""

    match: Match
    fate: str
    reach: Reach | None = None

    def lines(self) -> tuple[tuple[str, str], ...]:
        """The match, and what its entry covers."""
        match = ("match", f"{_place(self.match)}: {self.fate}")
        return (match, ("covers", self.reach.line())) if self.reach else (match,)

    def as_dict(self) -> dict[str, Any]:
        """The match, for JSON."""
        return asdict(self.match) | {"fate": self.fate} | (self.reach.as_dict() if self.reach else {})


@dataclass(frozen=True, slots=True)
class Explanation:
    """A verdict, the row of the table that made it, and everything that was weighed. The winner stands first."""

    url: str
    user: str | None
    groups: tuple[str, ...]
    at: datetime  # UTC
    local: datetime  # the district's wall clock
    stage: Stage  # at which it was decided
    verdict: Verdict
    row: str
    inside: tuple[str, ...]  # addresses that the address holds, and how each is looked at
    weighed: tuple[Weighed, ...]
    unblock: Mapping[str, Any] | None
    generation: str
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """The answer for a terminal."""
        verdict = self.verdict
        who = f"{self.user or 'anybody'} ({', '.join(self.groups) or 'no group'})"
        policy = f"revision {verdict.policy_revision}, lists {self.generation}"
        found = [
            ("address", self.url),
            ("for", f"{who}, {self.local:%a %Y-%m-%d %H:%M %Z}"),
            ("policy", policy),
            (
                "verdict",
                f"{verdict.action.value}, {verdict.reason}{f', {verdict.basis.value}' if verdict.basis else ''}",
            ),
            ("because", self.row),
            *(("inside", inner) for inner in self.inside),
            *(line for weighed in self.weighed for line in weighed.lines()),
            *(("note", note) for note in self.notes),
        ]
        return [f"{name:<8} {text}" for name, text in found]

    def as_dict(self) -> dict[str, Any]:
        """The answer for JSON."""
        verdict = self.verdict
        return {
            "url": self.url,
            "user": self.user,
            "groups": list(self.groups),
            "at": self.at.isoformat().replace("+00:00", "Z"),
            "local": self.local.isoformat(),
            "stage": self.stage.value,
            "action": verdict.action.value,
            "reason": verdict.reason,
            "category": verdict.category,
            "basis": verdict.basis.value if verdict.basis else None,
            "status": verdict.status,
            "row": self.row,
            "inside": list(self.inside),
            "matches": [weighed.as_dict() for weighed in self.weighed],
            "unblock": self.unblock,
            "policy_revision": verdict.policy_revision,
            "generation": self.generation,
            "notes": list(self.notes),
        }


def explain(
    url: str,
    user: str | None,
    at: datetime,
    snapshot: PolicySnapshot,
    accounts: Accounts | None = None,
    count_below: CountBelow | None = None,
) -> Explanation:
    """Explain what happens to `url` for `user` at `at` (with its time zone). Without a scheme it is read as https.

    With `accounts`, a note says where nobody can sign in as `user`; with `count_below`, each entry that covers
    sub-domains says how many other hosts it covers that people really visit.

    Raises MalformedAddress.
    """
    asked = replace(as_asked(snapshot), identity_required=snapshot.identity_required and user is not None)
    address, whole = asked_of(url)
    facts, _ = judged(replace(facts_of(address, user, at), uncut=whole), asked)
    said = _with_reach(_explained(facts, address.url, asked), address.host, count_below)
    return replace(said, notes=(*said.notes, *_account_notes(user, accounts)))


def _with_reach(said: Explanation, host: str, count_below: CountBelow | None) -> Explanation:
    below = count_below(domains_of(said.verdict.matches), host) if count_below else None
    counts = below.counts if below else {}
    weighed = tuple(replace(each, reach=reach_of(each.match, counts)) for each in said.weighed)
    unread = tuple(f"Not all visited hosts were counted: {line}" for line in below.unread) if below else ()
    return replace(said, weighed=weighed, notes=(*said.notes, *unread))


def _explained(facts: RequestFacts, url: str, snapshot: PolicySnapshot) -> Explanation:
    verdict = evaluate(facts, snapshot)
    now = circumstances_of(verdict.matches, facts, snapshot)
    settlement = settle(verdict.matches, now)
    return Explanation(
        url=url,
        user=facts.user,
        groups=tuple(sorted(groups_of(facts.user, snapshot))),
        at=facts.at,
        local=now.local,
        stage=facts.stage,
        verdict=verdict,
        row=_row(facts, verdict, settlement, snapshot),
        inside=tuple(islice(_inside(facts), _INSIDE_SHOWN)),
        weighed=tuple(Weighed(match, _fate(match, settlement, now)) for match in verdict.matches),
        unblock=_unblock(verdict, now),
        generation=snapshot.index.generation,
        notes=_notes(facts),
    )


def _row(facts: RequestFacts, verdict: Verdict, settlement: Settlement, snapshot: PolicySnapshot) -> str:
    if verdict is snapshot.allowed and facts.target_host == snapshot.public_name:
        return "the filter's own name: always reachable"
    if verdict.action is not Action.PASSTHROUGH:
        return settlement.row.name
    named = covering_name(facts.target_host, snapshot.passthrough)
    if named is None:
        return f"{settlement.row.name}; not decrypted, as its category is passed through"
    why = snapshot.passthrough[named]
    return f"{settlement.row.name}; not decrypted: {named} ({why.owner}: {why.reason})"


def _inside(facts: RequestFacts) -> Iterator[str]:
    """Say what an address holds, in the order in which it is looked at."""
    try:
        for inner in addresses_inside(facts):
            url = inner.address.url[:_URL_SHOWN] if inner.address else "an address that cannot be read"
            yield f"{url}: {_SHOWN if inner.shown else _CARRIED}"
    except TooMuch:
        yield "more addresses than are looked at: refused"


def _fate(match: Match, settlement: Settlement, now: Circumstances) -> str:
    for lifted in settlement.lifted:
        if lifted.match == match:
            return f"lifted by unblock {lifted.unblock.id}" if lifted.unblock else "covered by a white list"
    if match == settlement.winner:
        return "monitored" if settlement.row.effect is Effect.MONITOR else "decides"
    if not applies(match, now):
        return _why_not(match, now)
    return "would stop it too"


def _why_not(match: Match, now: Circumstances) -> str:
    rule = now.rules.get(match.category or "")
    if match.reason == WHITE_LIST:
        return "white list"
    if rule is None or (rule.hours is None and not rule.except_groups & now.groups):
        return "allowed and recorded"
    if excepted := rule.except_groups & now.groups:
        return f"allowed for {', '.join(sorted(excepted))}"
    return "allowed at this hour"


def _place(match: Match) -> str:
    technique = is_technique(match.reason)
    name = f"{match.reason} ({title_of(match.reason)})" if technique else match.reason
    if match.list is None:
        return name if technique else f"{name} ({match.title})"
    where = f", {match.file}:{match.line}" if match.file else ""
    return f"{name} by {match.entry} in {match.list} {match.list_version}{where}"


def _unblock(verdict: Verdict, now: Circumstances) -> Mapping[str, Any] | None:
    for unblock in now.unblocks:
        if unblock.id == verdict.unblock:
            return asdict(unblock) | {"lifts": sorted(unblock.lifts), "since": unblock.since.isoformat()}
    return None


def _notes(facts: RequestFacts) -> tuple[str, ...]:
    notes = [_NO_CHILD_ABUSE]
    if facts.ip is None:
        notes.append(_NOT_RESOLVED)
    if facts.user is None:
        notes.append(_ANYBODY)
    return tuple(notes)


def _account_notes(user: str | None, accounts: Accounts | None) -> tuple[str, ...]:
    if user is None or accounts is None:
        return ()
    account = accounts.get(canonical_name(user) or "")
    if account is None:
        return (f"There is no account {shown(user)}: this is what it would get, once added and signed in.",)
    return (f"The account {account.name} is disabled: it cannot sign in.",) if account.disabled else ()
