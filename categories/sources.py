"""Where a list comes from and what it is for.

Made from the settings by breakwater.py: categories reads no settings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from categories.taxonomy import CHILD_ABUSE, FLOOR

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ListSource:
    """One subscribed list.

    Exactly one of `url` and `path` is set. A list with several categories of its own has `map` (its name -> ours), any
    other has `category`. `white` names what is used as a white list (folders of a tree, or the list itself), with its
    owner. `checksum` is "sha256:…" of the downloaded file.
    """

    name: str
    format: str  # a key of categories.formats.FORMATS
    url: str | None = None
    path: Path | None = None
    map: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    category: str | None = None
    white: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    checksum: str | None = None

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
