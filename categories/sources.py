"""Where a list comes from and what it is for.

Made from the settings by breakwater.py: categories reads no settings.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from categories.taxonomy import CHILD_ABUSE, FLOOR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

#: What a list may be called: its name is a file's name in `lists/downloads/`, and stands in records and on pages.
LIST_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
LIST_NAME_RULE = "a list's name has up to 40 small letters, digits, - and _"

#: The formats whose lists hold exceptions among their entries, and what `white` calls those.
EXCEPTING = ("adblock", "rpz")
EXCEPTIONS = "exceptions"


@dataclass(frozen=True, slots=True)
class ListSource:
    """One subscribed list.

    Exactly one of `url` and `path` is set. A list with several categories of its own has `map` (its name -> ours), any
    other has `category`. `white` names the folders of a tree that are used as white lists, or `exceptions` of a list of
    rpz or adblock, each with its owner.
    `checksum` is "sha256:…" of the file, downloaded or local. `expressions` has the regular expressions of a tree read.
    """

    name: str
    format: str  # a key of categories.formats.FORMATS
    url: str | None = None
    path: Path | None = None
    map: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    category: str | None = None
    white: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    checksum: str | None = None
    expressions: bool = False

    @property
    def categories(self) -> frozenset[str]:
        """Our categories that this list is to fill."""
        return frozenset(self.map.values()) | ({self.category} if self.category else frozenset())

    @property
    def floor(self) -> frozenset[str]:
        """The floor categories among them."""
        return self.categories & FLOOR

    @property
    def withheld(self) -> bool:
        """True for a list whose hosts are never shown."""
        return CHILD_ABUSE in self.categories

    def wants(self, digest: str) -> bool:
        """True for a file with this SHA-256, in hexadecimal digits: any, where no checksum is given."""
        return self.checksum is None or digest == self.checksum.removeprefix("sha256:").lower()


def digest_of(sources: Iterable[ListSource]) -> str:
    """SHA-256 of all that these sources say: a generation keeps it, so that one made from others can be told."""
    said = [
        (
            *(each.name, each.format, each.url, str(each.path), each.category, each.checksum, each.expressions),
            *(sorted(each.map.items()), sorted(each.white.items())),
        )
        for each in sources
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()
