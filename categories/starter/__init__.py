"""Our own small lists, part of every compile, and the applications that pin certificates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from categories.formats import domains
from categories.formats.entry import OpenedList, Part
from categories.sources import ListSource, digest_of
from categories.spool import ListAtHand

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The list's name in verdicts and records.
STARTER = "starter"

_FOLDER = Path(__file__).parent
_SUFFIX = ".domains"
#: When the lists were last read through. Files of a checkout have no time of their own.
_MADE = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StarterPassthrough:
    """A host, with its sub-domains, whose clients accept no certificate but their own: never decrypted."""

    host: str
    owner: str
    reason: str
    since: date


def starter_list() -> ListAtHand:
    """The starter lists, one file a category, ready to be compiled."""
    parts = tuple(
        Part(path.name, path, path.name.removesuffix(_SUFFIX), domains.parse)
        for path in sorted(_FOLDER.glob(f"*{_SUFFIX}"))
    )
    return ListAtHand(ListSource(STARTER, "domains", path=_FOLDER), _FOLDER, OpenedList(parts), _MADE)


def starter_hosts(category: str) -> tuple[str, ...]:
    """The names and addresses that our own list holds of a category, in its order."""
    lines = (_FOLDER / f"{category}{_SUFFIX}").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def digest_with_starter(sources: Iterable[ListSource]) -> str:
    """What a generation keeps of the sources that it was made from: ours, then the subscribed ones."""
    return digest_of((starter_list().source, *sources))


@cache
def starter_passthrough() -> tuple[StarterPassthrough, ...]:
    """The pinned applications of passthrough.yaml."""
    body = yaml.load((_FOLDER / "passthrough.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    return tuple(
        StarterPassthrough(host, body["owner"], group["reason"], body["since"])
        for group in body["applications"]
        for host in group["hosts"]
    )


@cache
def starter_updates() -> frozenset[str]:
    """The hosts of updates.yaml, from which operating systems and browsers update themselves."""
    body = yaml.safe_load((_FOLDER / "updates.yaml").read_text(encoding="utf-8"))
    return frozenset(body["hosts"])
