"""Who a request comes from, as an identity method found it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Problem(StrEnum):
    """Why nobody is named; `identity.<problem>` is the reason of the verdict."""

    REQUIRED = "required"  # no credentials, or none that can be read
    PASSWORD = "password"  # noqa: S105  # name and password do not belong together, or there is no such name
    DISABLED = "disabled"  # the right password of a disabled account
    ATTEMPTS = "attempts"  # too many wrong passwords from that address: not even looked at


@dataclass(frozen=True, slots=True)
class Identified:
    """The answer of an identity method. `user` is set only when the name was proved; a claimed name is not kept."""

    user: str | None
    method: str
    problem: Problem | None

    @property
    def proved_by(self) -> str | None:
        """The method, where it has found nothing wrong; a network without users has one, too."""
        return self.method if self.problem is None else None
