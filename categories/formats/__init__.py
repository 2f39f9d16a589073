"""How lists are written. A new format is one file and one line here."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from categories.entries import Covers
from categories.errors import ListRefused
from categories.formats import adblock, dnsmasq, domains, e2guardian, exceptions, hosts, rpz, ut1, wildcard
from categories.formats.entry import OpenedList, Part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from categories.formats.entry import LineParser, OpenList
    from categories.sources import ListSource


def _one_file(
    parse: LineParser, source: ListSource, at: Path, scratch: Path, plain: Covers | None = None
) -> OpenedList:
    if source.category is None:
        raise ListRefused(f"list {source.name}: category is missing; a list of format {source.format} has just one")
    if source.white:
        raise ListRefused(
            f"list {source.name}: a list of format {source.format} has nothing white; take it out of white"
        )
    return OpenedList((Part(source.name, at, source.category, parse, plain=plain),))


FORMATS: Mapping[str, OpenList] = {
    "adblock": partial(exceptions.open_list, adblock.parse),
    "dnsmasq": partial(_one_file, dnsmasq.parse),
    "domains": partial(_one_file, domains.parse, plain=Covers.DOMAIN),
    "e2guardian": partial(_one_file, e2guardian.parse, plain=Covers.DOMAIN),
    "hosts": partial(_one_file, hosts.parse),
    "rpz": partial(exceptions.open_list, rpz.parse, in_one_piece=True),
    "ut1": ut1.open_list,
    "wildcard": partial(_one_file, wildcard.parse, plain=Covers.HOST),
}
