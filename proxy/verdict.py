"""What was decided, and why: values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from categories.entries import Covers
    from categories.taxonomy import Basis


class Action(StrEnum):
    """What happens to the request."""

    ALLOW = "allow"
    BLOCK = "block"
    MONITOR = "monitor"  # matched, recorded, let through until a date
    PASSTHROUGH = "passthrough"  # allowed, never decrypted
    CHALLENGE = "challenge"  # the client has to say who it is (407)


@dataclass(frozen=True, slots=True)
class Match:
    """A list entry or a detector's hit. A detector's hit has neither list nor line.

    Entries of child-abuse lists carry no file, line or entry: what they name is never quoted.
    """

    reason: str  # stable code, docs/reasons.md
    title: str  # completes "listed as …", or says what was recognised
    category: str | None = None
    list: str | None = None
    list_version: str | None = None
    file: str | None = None
    line: int | None = None
    entry: str | None = None  # the pattern that matched
    covers: Covers | None = None  # what it covers


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one set of facts. `matches` holds every match, the one that won first."""

    action: Action
    reason: str
    policy_revision: int
    category: str | None = None
    basis: Basis | None = None
    matches: tuple[Match, ...] = ()
    unblock: str | None = None  # id of the unblock that allowed it
    status: int = 200  # the HTTP status of our answer; 200 when nothing of ours is sent

    @property
    def forwards(self) -> bool:
        """True when the request may go to the origin."""
        return self.action in _FORWARDING

    @property
    def match(self) -> Match | None:
        """The match that won."""
        return self.matches[0] if self.matches else None


_FORWARDING = frozenset({Action.ALLOW, Action.MONITOR, Action.PASSTHROUGH})
