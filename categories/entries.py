"""One line of a list, as the index gives it back."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Covers(StrEnum):
    """What an entry's pattern covers."""

    DOMAIN = "domain"  # the host and every sub-domain, on label boundaries
    HOST = "host"  # that host alone
    PREFIX = "prefix"  # a host and the beginning of a path (and query)
    EXPRESSION = "expression"  # every address that a regular expression matches


class ListEntry(NamedTuple):
    """One line of a list. `white` entries say "do not block", and count only where mapped by name with an owner.

    A tuple, for every look-up of a listed host makes one: that takes a quarter of the time of a frozen dataclass.
    """

    category: str
    pattern: str  # "example.com" or "example.com/path"
    covers: Covers
    list: str  # the list's name in the settings, or "starter"
    list_version: str  # date and digest of the list, "2026-11-22 3f9a1c2e"
    file: str  # the file inside the list, "adult/domains"
    line: int  # 1-based line in that file
    white: bool = False
