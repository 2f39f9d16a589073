"""One client of the table: how it asks, and what it saw."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.faults.places import TUNNEL, Way

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Seen:
    """What a client saw: `status` of the answer inside, `body` of it, `raw` all bytes behind our answer to CONNECT."""

    connect: int = 0
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    raw: bytes = b""
    whole: bool = False
    closed: bool = False
    stuck: bool = False
    error: str = ""


@dataclass(frozen=True)
class Where:
    """The filter, and where the origins are."""

    port: int
    transparent_port: int
    tls_port: int
    plain_port: int
    public_name: str
    authority: Path


@dataclass(frozen=True)
class Case:
    """One client: the address that it comes from, how it asks, and for what."""

    client: str
    way: Way
    asks: str

    @property
    def host(self) -> str:
        if self.way is TUNNEL:
            return "tunnel.test"
        return {"lie": "broken.test", "blocked": "blocked.test", "dead": "closed.test", "broken": "broken.test"}.get(
            self.asks, "allowed.test"
        )

    @property
    def path(self) -> str:
        """Ends in the client's address, so that an origin's list says whose request it was."""
        first = {
            "bodyless": "/bytes/0",
            "big": "/bytes/300000",
            "leave": f"/held/{self.client}",
            "echo": "/echo-socket",
        }
        return f"{first.get(self.asks, '/page-of')}?{self.client}"
