"""How lists are written. A new format is one file and one line here."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from categories.errors import ListRefused
from categories.formats import adblock, dnsmasq, domains, e2guardian, hosts, rpz, ut1, wildcard
from categories.formats.entry import OpenedList, Part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from categories.formats.entry import LineParser, OpenList
    from categories.sources import ListSource


def _one_file(parse: LineParser, source: ListSource, at: Path, scratch: Path) -> OpenedList:
    if source.category is None:
        raise ListRefused(f"list {source.name}: category is missing; a list of format {source.format} has just one")
    return OpenedList((Part(source.name, at, source.category, parse),))


def _in_one_piece(parse: LineParser, source: ListSource, at: Path, scratch: Path) -> OpenedList:
    """A file of a format where what a line means depends on lines before it."""
    (part,) = _one_file(parse, source, at, scratch).parts
    return OpenedList((replace(part, in_one_piece=True),))


FORMATS: Mapping[str, OpenList] = {
    "adblock": partial(_one_file, adblock.parse),
    "dnsmasq": partial(_one_file, dnsmasq.parse),
    "domains": partial(_one_file, domains.parse),
    "e2guardian": partial(_one_file, e2guardian.parse),
    "hosts": partial(_one_file, hosts.parse),
    "rpz": partial(_in_one_piece, rpz.parse),
    "ut1": ut1.open_list,
    "wildcard": partial(_one_file, wildcard.parse),
}
