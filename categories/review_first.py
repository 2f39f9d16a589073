"""The review-first set: sites that a person looks at before an update changes how they are called.

Which they are, and by which rule, stands in starter/review-first.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from categories.suffixes import is_public_suffix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from categories.index import CategoryIndex

#: Below a whole suffix these hold nothing: hosts are taken over there every day, and waiting would leave them open.
_DAILY = frozenset({"malware", "phishing", "cryptojacking", "stalkerware"})

_FILE = Path(__file__).parent / "starter" / "review-first.yaml"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One host of the set, with all names below it; `gov` stands for the names below it alone."""

    host: str
    kind: str  # crisis, health, …


@dataclass(frozen=True, slots=True)
class Touch:
    """A host of the set, or something below it, that a list names and did not name before; or the other way round."""

    reviewed: Reviewed
    pattern: str  # what the list names, "chat.988lifeline.org"
    category: str
    list: str
    white: bool
    listed: bool  # False: no longer


@cache
def review_first() -> tuple[Reviewed, ...]:
    """The set, in the order of its file."""
    body = yaml.load(_FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return tuple(Reviewed(host, kind) for kind, group in body["kinds"].items() for host in group["hosts"])


def touches(old: CategoryIndex, new: CategoryIndex) -> Iterator[Touch]:
    """Give what two indexes do not call the same in the set, whole hosts or parts of them."""
    for reviewed in review_first():
        before, after = _said(old, reviewed.host), _said(new, reviewed.host)
        for listed, entries in ((True, after - before), (False, before - after)):
            yield from (Touch(reviewed, *entry, listed) for entry in sorted(entries))


def _said(index: CategoryIndex, host: str) -> frozenset[tuple[str, str, str, bool]]:
    """Every entry that covers the host, a name below it, or a part of one."""
    passed_over = _DAILY if is_public_suffix(host) else frozenset()
    entries = (*index.lookup(host), *index.below(host))
    said = ((entry.pattern, entry.category, entry.list, entry.white) for entry in entries)
    return frozenset(each for each in said if each[1] not in passed_over)
