"""What a compiled index says about itself: its lists, its classes of entries, the size and digest of its files."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from categories.entries import Covers
from categories.errors import IndexRefused
from categories.shards import ShardSize
from categories.taxonomy import CHILD_ABUSE, FLOOR

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

META_FILE = "meta.json"
#: Raised whenever the files of an index change their shape: an older index then has to be compiled again.
SHAPE = 4
_META_CAP = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class EntryClass:
    """What the entries of one file of a list have in common. `list` is an index into IndexMeta.lists."""

    list: int
    file: str
    category: str
    covers: Covers
    white: bool


@dataclass(frozen=True, slots=True)
class ListSummary:
    """One list of an index. Counts are of distinct entries; `counts` has those that block, by category."""

    name: str
    format: str
    date: datetime  # when the list was published or downloaded, UTC
    digest: str  # SHA-256 of the file, or of a tree's files
    entries: int
    white: int
    rejected: int
    unsupported: int
    counts: Mapping[str, int]
    examples: tuple[str, ...] = ()  # of rejected lines; none for a list whose hosts are never shown
    notes: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """Date and digest, as they stand in verdicts and records."""
        return f"{self.date:%Y-%m-%d} {self.digest[:8]}"

    @property
    def floor(self) -> dict[str, int]:
        """Entries per floor category."""
        return {category: count for category, count in self.counts.items() if category in FLOOR}

    @property
    def withheld(self) -> bool:
        """True for a list whose hosts are never shown."""
        return CHILD_ABUSE in self.counts


@dataclass(frozen=True, slots=True)
class IndexMeta:
    """Everything about an index but its keys. `files`: name -> (size in bytes, SHA-256)."""

    built: datetime  # UTC
    sources: str  # sources.digest_of what it was compiled from
    files: Mapping[str, tuple[int, str]]
    shards: tuple[ShardSize, ...]  # where each stands in the file of shards
    classes: tuple[EntryClass, ...]
    lists: tuple[ListSummary, ...]

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Entries that block, by category, then by list."""
        found: dict[str, dict[str, int]] = {}
        for summary in self.lists:
            for category, count in summary.counts.items():
                found.setdefault(category, {})[summary.name] = count
        return found


def digest_of(meta: bytes) -> str:
    """The part of a generation's id that vouches for its meta.json, which vouches for the other files."""
    return hashlib.sha256(meta).hexdigest()[:16]


def to_json(meta: IndexMeta) -> bytes:
    """The bytes of meta.json."""
    body = {"shape": SHAPE, "byteorder": sys.byteorder, **asdict(meta)}
    return json.dumps(body, default=_plain, indent=1, sort_keys=True).encode()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value)}")


def read_meta(folder: Path) -> IndexMeta:
    """Read meta.json of `folder`, whose name ends in its digest. Raises IndexRefused."""
    path = folder / META_FILE
    try:
        with path.open("rb") as stream:
            text = stream.read(_META_CAP)
    except OSError as problem:
        raise IndexRefused(f"index {folder.name}: cannot read {path}: {problem.strerror}") from problem
    if not folder.name.endswith(f"-{digest_of(text)}"):
        raise IndexRefused(f"index {folder.name}: {META_FILE} is truncated or was changed; compile the lists again")
    body = json.loads(text)
    if (body["shape"], body["byteorder"]) != (SHAPE, sys.byteorder):
        raise IndexRefused(f"index {folder.name}: made by another version or machine; compile the lists again")
    return _from_json(body)


def _from_json(body: dict[str, Any]) -> IndexMeta:
    return IndexMeta(
        built=datetime.fromisoformat(body["built"]).astimezone(UTC),
        sources=body["sources"],
        files={name: (size, digest) for name, (size, digest) in body["files"].items()},
        shards=tuple(ShardSize(**item) for item in body["shards"]),
        classes=tuple(EntryClass(**{**item, "covers": Covers(item["covers"])}) for item in body["classes"]),
        lists=tuple(_summary(item) for item in body["lists"]),
    )


def _summary(item: dict[str, Any]) -> ListSummary:
    date = datetime.fromisoformat(item["date"]).astimezone(UTC)
    fields = {**item, "date": date, "examples": tuple(item["examples"]), "notes": tuple(item["notes"])}
    return ListSummary(**fields)
