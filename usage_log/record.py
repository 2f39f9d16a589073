"""One logged decision and its id. Knows nothing of files, databases or who may read it."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass

#: Crockford's base 32: no I, L, O, U, so an id can be read out over the telephone.
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RFC_4648 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_TO_CROCKFORD = str.maketrans(_RFC_4648, _CROCKFORD)
_AS_TYPED = str.maketrans("OIL", "011", "- ")

#: Characters of an id: 26 times 5 bits are 130 random bits.
ID_LENGTH = 26

#: Ids made at once: a multiple of four, so that their bits are whole groups of base 32, which need no padding.
_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One final verdict. `event` is "decision", or "end" for the close of what was recorded while open (same id).

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
    outcome: str  # ok, dns, connect, upstream-tls, client-abort, timeout
    detail: str | None


def new_id() -> str:
    """Return a new record id: 26 characters of Crockford base 32, 130 random bits."""
    try:
        return _made.pop()
    except IndexError:
        first, *rest = _some_ids()
        _made.extend(rest)
        return first


def _some_ids() -> list[str]:
    """Make ids at once: the standard library's base 32 is written in Python, and costs most for its first bytes."""
    text = base64.b32encode(os.urandom(_AT_ONCE * ID_LENGTH * 5 // 8)).decode("ascii").translate(_TO_CROCKFORD)
    return [text[start : start + ID_LENGTH] for start in range(0, len(text), ID_LENGTH)]


#: Ids made and not yet given out. A child must not give out those of its parent.
_made: list[str] = []
os.register_at_fork(after_in_child=_made.clear)


def typed_id(text: str) -> str | None:
    """Return the id that a person typed (any case, O for 0, I or L for 1, hyphens), or None if it cannot be one."""
    if len(text) > 2 * ID_LENGTH:
        return None
    text = text.strip().upper().translate(_AS_TYPED)
    return text if len(text) == ID_LENGTH and all(character in _CROCKFORD for character in text) else None
