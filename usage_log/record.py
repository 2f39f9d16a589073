"""One logged decision and its id. Knows nothing of files, databases or who may read it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import Any

#: Crockford's base 32: no I, L, O, U, so an id can be read out over the telephone.
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS = 8 * _CROCKFORD.encode("ascii")  # for each value of a byte the digit of its lowest five bits
_AS_TYPED = str.maketrans("OIL", "011", "- ")

#: The reason of what is refused while the log has no room, and how the row begins and ends that says how often.
NO_LOG = "error.usage-log"
UNRECORDED = "answered while the log had no room: "
_UNRECORDED_END = " requests without a record of their own"
_UNRECORDED_ROW = re.compile(f"{UNRECORDED}([0-9]{{1,18}}){_UNRECORDED_END}", re.ASCII)

#: The event of a row that is nobody's request: the lists in force were changed (usage_log/acts.py).
LISTS = "lists"

#: The event of an alert: somebody went to many blocked pages within minutes (usage_log/attempt_alerts.py).
ATTEMPTS = "attempts"

#: Characters of an id: 26 times 5 bits are 130 random bits.
ID_LENGTH = 26


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One final verdict. `event` is "decision", or "end" for the close of what was recorded while open (same id).

    An event "lists" is no verdict: somebody changed the lists in force, and `detail` says who, when and how.
    An event "attempts" is none either: `user` went to many blocked pages, and `detail` names their records.

    node, worker, boot and seq are stamped by the spool that takes the record. An "end" repeats the fields of its
    decision, with its own time and with the totals (bytes, duration) of the whole exchange; a decision on what is
    still open has no bytes. The id is the reference on the block page.
    """

    id: str
    event: str
    time: int  # Unix time in microseconds, UTC
    user: str | None
    identity: str | None
    client: str
    school: str | None
    device: str | None
    method: str
    scheme: str
    host: str
    port: int
    path: str  # without query
    category: str | None
    action: str
    reason: str
    basis: str | None
    list: str | None
    list_version: str | None
    unblock: str | None
    policy_revision: int
    status: int
    bytes_in: int  # body bytes from the client
    bytes_out: int  # body bytes to the client
    duration_ms: int
    intent: str
    page: str | None
    outcome: str  # ok, dns, connect, upstream-tls, client-abort, timeout, drain, policy
    detail: str | None
    search_terms: str | None = None  # what was searched for, where the settings have it recorded


def new_id() -> str:
    """Return a new record id: 26 characters of Crockford base 32, 130 random bits."""
    return os.urandom(ID_LENGTH).translate(_DIGITS).decode("ascii")


def typed_id(text: str) -> str | None:
    """Return the id that a person typed (any case, O for 0, I or L for 1, hyphens), or None if it cannot be one."""
    if len(text) > 2 * ID_LENGTH:
        return None
    text = text.strip().upper().translate(_AS_TYPED)
    return text if len(text) == ID_LENGTH and all(character in _CROCKFORD for character in text) else None


def nobodys_row(event: str, time: int, policy_revision: int, **changes: Any) -> DecisionRecord:
    """Return a row that is nobody's request, so it names nobody; `changes` are the fields that say something."""
    blank = DecisionRecord(
        id=new_id(),
        event=event,
        time=time,
        user=None,
        identity=None,
        client="",
        school=None,
        device=None,
        method="",
        scheme="",
        host="",
        port=0,
        path="",
        category=None,
        action="",
        reason="",
        basis=None,
        list=None,
        list_version=None,
        unblock=None,
        policy_revision=policy_revision,
        status=0,
        bytes_in=0,
        bytes_out=0,
        duration_ms=0,
        intent="background",
        page=None,
        outcome="ok",
        detail=None,
    )
    return replace(blank, **changes)


def unrecorded_row(count: int, time: int, policy_revision: int) -> DecisionRecord:
    """Return the row that stands for `count` requests without one of their own."""
    said = {"action": "block", "reason": NO_LOG, "status": 503, "detail": unrecorded_detail(count)}
    return nobodys_row("decision", time, policy_revision, **said)


def unrecorded_detail(count: int) -> str:
    """Say how many requests have no row of their own."""
    return f"{UNRECORDED}{count}{_UNRECORDED_END}"


def unrecorded_count(reason: str, detail: str | None) -> int:
    """Return how many requests a row stands for, by its reason and detail; 0 for the row of one request."""
    found = _UNRECORDED_ROW.fullmatch(detail) if detail is not None and reason == NO_LOG else None
    return int(found[1]) if found else 0
