"""One logged decision and its id. Knows nothing of files, databases or who may read it."""

from __future__ import annotations

import os
from dataclasses import dataclass

#: Crockford's base 32: no I, L, O, U, so an id can be read out over the telephone.
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS = 8 * _CROCKFORD.encode("ascii")  # for each value of a byte the digit of its lowest five bits
_AS_TYPED = str.maketrans("OIL", "011", "- ")

#: Characters of an id: 26 times 5 bits are 130 random bits.
ID_LENGTH = 26


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
    return os.urandom(ID_LENGTH).translate(_DIGITS).decode("ascii")


def typed_id(text: str) -> str | None:
    """Return the id that a person typed (any case, O for 0, I or L for 1, hyphens), or None if it cannot be one."""
    if len(text) > 2 * ID_LENGTH:
        return None
    text = text.strip().upper().translate(_AS_TYPED)
    return text if len(text) == ID_LENGTH and all(character in _CROCKFORD for character in text) else None
