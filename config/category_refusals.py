"""What no settings file may do to a category, a list or a group: invariants 1 and 3 of DESIGN.md as pure functions.

Places (`Refusal.at`) begin at the mapping or list that is checked.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from categories.sources import EXCEPTING, EXCEPTIONS
from categories.taxonomy import FLOOR, RELAXABLE, TAXONOMY
from config.refusals import Refusal, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from config.category_settings import CategoryRule, Group
    from config.list_settings import ListSource

#: Opening these without decryption would leave nothing that recognises what they are blocked for, or, for partly
#: adult sites, which part of them is asked for.
NEVER_PASSED_THROUGH = (
    FLOOR | RELAXABLE | {"malware", "phishing", "cryptojacking", "stalkerware", "hacking", "mixed-adult"}
)

#: Group names that would read as an allow-all group. Who is in a group is named, person by person.
_EVERYBODY = frozenset({"all", "any", "anybody", "anyone", "default", "everybody", "everyone", "everything"})

# categories/taxonomy.py: PFLAG v. Camdenton. Whole words of an id or a title.
_NO_CATEGORY = frozenset(
    {
        "sexuality",
        "homosexuality",
        "gay",
        "lesbian",
        "bisexual",
        "transgender",
        "queer",
        "lgbt",
        "lgbtq",
        "lgbtqia",
        "union",
        "unions",
        "religion",
        "religions",
        "religious",
        "church",
        "islam",
        "muslim",
        "christian",
        "jewish",
        "judaism",
        "atheism",
        "politics",
        "political",
        "democrats",
        "republicans",
    }
)


def known_categories(added: Collection[str]) -> frozenset[str]:
    """The ids of DESIGN.md and those that the district added."""
    return frozenset(TAXONOMY) | frozenset(added)


def groups(named: Mapping[str, Group]) -> Iterator[Refusal]:
    """Groups that would hold everybody."""
    for name in named:
        if name in _EVERYBODY:
            yield Refusal((name,), "a group for everybody is not allowed; name the people it is for")


def categories(
    rules: Mapping[str, CategoryRule], named: Mapping[str, Group] | None, hours: Collection[str] | None
) -> Iterator[Refusal]:
    """What each rule may not do. `named` or `hours` is None where they could not be read."""
    for id_, rule in rules.items():
        for why in _rule(id_, rule):
            yield Refusal((id_,), why)
        if named is not None:
            yield from _exceptions(id_, rule, named)
        if hours is not None and rule.hours is not None and rule.hours not in hours:
            why = f'hours has no "{rule.hours}"{did_you_mean(rule.hours, hours)}'
            yield Refusal((id_, "hours"), why)


def _rule(id_: str, rule: CategoryRule) -> Iterator[str]:
    if id_ in TAXONOMY:
        yield from _known(id_, rule)
    else:
        yield from _added(id_, rule)
    if rule.action == "monitor" and (rule.hours or rule.except_groups):
        yield "monitor goes with a date (until) alone, not with hours or except_groups"
    if rule.action != "monitor" and rule.until:
        yield f"until goes with action: monitor, not with {rule.action}"
    if rule.action == "monitor" and not rule.until:
        yield "monitor needs until: the date after which it blocks"
    if rule.action == "allow" and rule.except_groups:
        yield "except_groups goes with action: block: it names who is let through"


def _known(id_: str, rule: CategoryRule) -> Iterator[str]:
    if rule.title:
        yield "title is for categories that the district adds"
    if id_ in FLOOR and (rule.action != "block" or rule.hours or rule.except_groups):
        yield "is on the floor: blocked for everyone, at every hour; remove what relaxes it"
    if id_ in RELAXABLE and rule.action != "block":
        yield f"may be relaxed for named groups only (action: block, except_groups: […]), never {rule.action} for all"
    if id_ in RELAXABLE and rule.hours:
        yield "may be relaxed for named groups only, not by the hour"


def _added(id_: str, rule: CategoryRule) -> Iterator[str]:
    if not rule.title:
        hint = did_you_mean(id_, TAXONOMY) or "."
        yield f"unknown category{hint} A category of the district's own needs a title"
    words = set(re.findall(r"[a-z]+", f"{id_} {rule.title or ''}".lower()))
    if words & _NO_CATEGORY:
        yield f'"{min(words & _NO_CATEGORY)}": no category for sexuality, unions, religion or politics may be added'


def _exceptions(id_: str, rule: CategoryRule, named: Mapping[str, Group]) -> Iterator[Refusal]:
    for number, name in enumerate(rule.except_groups):
        place = (id_, "except_groups", number)
        if name not in named:
            yield Refusal(place, f'groups has no "{name}"{did_you_mean(name, named)}')
        elif not named[name].users:
            yield Refusal(place, f'group "{name}" has no users; name them, or remove the exception')


def passthrough_categories(ids: Sequence[str], known: Collection[str] | None) -> Iterator[Refusal]:
    """Categories whose hosts may not be left undecrypted."""
    for number, id_ in enumerate(ids):
        if id_ in NEVER_PASSED_THROUGH:
            yield Refusal((number,), f"{id_} may not be passed through: its sites must be looked into")
        elif known is not None and id_ not in known:
            yield Refusal((number,), f'unknown category "{id_}"{did_you_mean(id_, known)}')


def lists(sources: Sequence[ListSource], starter_only: bool, known: Collection[str] | None) -> Iterator[Refusal]:
    """What the lists together may not do. `starter_only` says that the starter lists alone may hold the floor."""
    if not starter_only and not any("pornography" in source.categories for source in sources):
        yield Refusal(
            (), "nothing maps to pornography; subscribe to a list that does, or set starter_only: true (the demo)"
        )
    names: set[str] = set()
    for number, source in enumerate(sources):
        if source.name in names:
            yield Refusal((number, "name"), f'"{source.name}" is the name of an earlier list')
        names.add(source.name)
        for place, why in _source(source):
            yield Refusal((number, *place), why)
        for id_ in sorted(source.categories.difference(known or source.categories)):
            yield Refusal(
                (number, *_place_of(source, id_)), f'unknown category "{id_}"{did_you_mean(id_, known or ())}'
            )


def _place_of(source: ListSource, id_: str) -> tuple[str, ...]:
    return next((("map", name) for name, category in source.map.items() if category == id_), ("category",))


def _source(source: ListSource) -> Iterator[tuple[tuple[str, ...], str]]:
    if (source.url is None) == (source.path is None):
        yield (), "give either url or path"
    if source.name == "starter":
        yield ("name",), '"starter" is the name of our own lists'
    if source.url and "child-abuse" in source.categories:
        yield ("url",), "a child-abuse list is a licensed local file: give its path, never a url"
    if source.white and "child-abuse" in source.categories:
        yield ("white",), "nothing of a child-abuse list is white: what it excepts would be shown"
    if source.url and not _safe(source.url, source.checksum):
        yield ("url",), "http can be changed on the way; use https, or give the checksum"
    yield from _tree(source) if source.format == "ut1" else _flat(source)


def _tree(source: ListSource) -> Iterator[tuple[tuple[str, ...], str]]:
    if source.category:
        yield ("category",), "a ut1 list has categories of its own; use map"
    if not source.map:
        yield ("map",), "a ut1 list needs map: which of its categories is which of ours"
    for name in source.white:
        if name in source.map:
            yield ("white", name), f'"{name}" is mapped to {source.map[name]}, so it cannot be white too'


def _flat(source: ListSource) -> Iterator[tuple[tuple[str, ...], str]]:
    if not source.category:
        yield ("category",), f"a list of format {source.format} needs category"
    if source.map:
        yield ("map",), f"map is for ut1; a list of format {source.format} has one category"
    for name in source.white:
        if source.format not in EXCEPTING:
            yield ("white",), f"white is for ut1, {' and '.join(EXCEPTING)}, not for {source.format}"
        elif name != EXCEPTIONS:
            yield ("white", name), f"a list of format {source.format} has one white name, {EXCEPTIONS}"
    if source.expressions:
        yield ("expressions",), f"expressions is for ut1; format {source.format} has none"


def _safe(url: str, checksum: str | None) -> bool:
    """True when what arrives is what the author wrote, as far as transport goes. Loopback is a mirror of our own."""
    parts = urlsplit(url)
    if parts.scheme.lower() == "https" or checksum:
        return True
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"


def schools(named: Mapping[str, Sequence[IPv4Network | IPv6Network]]) -> Iterator[Refusal]:
    """A network of two schools. One inside another is fine: the narrower one counts."""
    owners: dict[IPv4Network | IPv6Network, str] = {}
    for name, networks in named.items():
        for number, network in enumerate(networks):
            if network in owners:
                yield Refusal((name, number), f"{network} belongs to {owners[network]} already")
            owners[network] = name
