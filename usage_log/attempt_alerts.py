"""An alert about repeated attempts as a row of the usage log: whose, how many, which records. No host, no address.

`user` is withheld as in every row: outside a case it is a pseudonym. The records that `detail` names are found by
`audit log --id`, without the person.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from usage_log.record import ATTEMPTS, nobodys_row, typed_id

if TYPE_CHECKING:
    from usage_log.attempts import Alert
    from usage_log.record import DecisionRecord

REASON: Final = f"{ATTEMPTS}.repeated"

#: Ids in a row, the newest: more do not fit its detail (frames.DETAIL_CAP).
_IDS: Final = 15


@dataclass(frozen=True, slots=True)
class Told:
    """What the row of an alert says: so many blocked pages within so many minutes, and the newest records of them."""

    attempts: int
    minutes: int
    records: tuple[str, ...]

    def line(self) -> str:
        """Say it in a line, for a table."""
        shown = ", ".join(self.records[-3:])
        return f"{self.attempts} blocked pages within {self.minutes} minutes; the last records: {shown}"

    @classmethod
    def of(cls, said: Any) -> Self:
        """Read what `record_of` wrote. Raises KeyError, TypeError and ValueError for anything else."""
        records = tuple(said["records"])
        if any(typed_id(one) != one for one in records):
            raise ValueError("what stands where an id should is none")
        return cls(int(said["attempts"]), int(said["minutes"]), records)


def told_of(detail: str | None) -> Told | None:
    """Return what a row's detail tells of an alert; None for any other text."""
    try:
        return Told.of(json.loads(detail or ""))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def record_of(alert: Alert, policy_revision: int) -> DecisionRecord:
    """Return the row of an alert."""
    said = {"attempts": len(alert.records), "minutes": alert.rule.minutes, "records": alert.records[-_IDS:]}
    detail = json.dumps(said, separators=(",", ":"))
    return nobodys_row(ATTEMPTS, alert.time, policy_revision, user=alert.user, reason=REASON, detail=detail)
