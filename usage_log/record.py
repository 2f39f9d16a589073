"""One logged decision, and how it is framed. Knows nothing of files, databases or who may read it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One final verdict. `event` is "decision", or "end" for the close of what was still open after 10 s (same id).

    node, worker, boot and seq are stamped by the spool that takes the record. Its id (26 characters of Crockford
    base 32, 130 random bits) is the reference on the block page.
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
