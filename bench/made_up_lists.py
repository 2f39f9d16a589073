"""Lists of made-up names in the shape of UT1's tree, the same ones every time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Folder of the tree, our category, and its share of the names in tenths.
FOLDERS = (("adult", "pornography", 8), ("phishing", "malware", 1), ("gambling", "gambling", 1))
#: A name that stands in every tree, to ask a proxy for.
LISTED = "always-listed.test"

_SECOND = ("blog", "city", "club", "deal", "lady", "live", "play", "tube")
_WORDS = [first + second for first in ("ad", "bet", "cam", "hot", "max", "top", "win", "x") for second in _SECOND]
_SYLLABLES = [first + second for first in "bcdfghjklmnprstv" for second in "aeio"]
_SERVICES = ("www", "m", "blog", "img", "cdn", "static", "shop", "forum", "ads", "s1")
_ENDINGS = ("test", "test", "test", "example", "invalid")
_HOSTERS = tuple(f"hosted-{word}.test" for word in _WORDS[:10])
_BATCH = 100_000


@dataclass(frozen=True)
class Asked:
    """Hosts to look up: listed ones, sub-domains of those, and others."""

    hit: list[str]
    sub_domain: list[str]
    miss: list[str]


def name(number: int) -> str:
    """The name of that number: no two have the same, and neighbours have nothing in common."""
    mixed = number * 2_654_435_761 % 2**32
    parts = [_SYLLABLES[mixed >> shift & 63] for shift in (6, 12, 18)]
    own = f"{_WORDS[mixed & 63]}{parts[0]}{parts[1]}{parts[2]}{mixed >> 24}"
    kind = number % 50
    if kind < 38:
        return f"{own}.{_ENDINGS[kind % 5]}"
    if kind < 45:
        return f"{own}.{_HOSTERS[mixed % 10]}"
    if kind < 48:
        return f"{_SERVICES[mixed % 10]}.{own}.test"
    if kind == 48:  # a listed name's sub-domain that is listed too
        return f"{_SERVICES[mixed % 10]}.{name(number - 20)}"
    return f"a{mixed % 100}.{own}.example"


def write_tree(folder: Path, domains: int, urls: int) -> None:
    """Write a tree with so many domains and URLs."""
    number = 0
    for place, (kind, _, tenths) in enumerate(FOLDERS):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        until = domains if place == len(FOLDERS) - 1 else number + domains * tenths // 10
        _write(folder / kind / "domains", (name(each) for each in range(number, until)))
        number = until
    (folder / "adult" / "domains").open("a").write(f"{LISTED}\n")
    if urls:
        step = max(1, domains // urls)
        paths = (f"{_WORDS[each % 64]}/{_WORDS[each // 64 % 64]}{each}" for each in range(urls))
        hosts = (f"{'www.' if each % 3 else ''}u{each % 97}.{name(each * step)}" for each in range(urls))
        _write(folder / "adult" / "urls", (f"{host}/{path}" for host, path in zip(hosts, paths, strict=True)))


def _write(path: Path, lines: Iterator[str]) -> None:
    with path.open("w") as file:
        while batch := [line for _, line in zip(range(_BATCH), lines, strict=False)]:
            file.write("\n".join(batch) + "\n")


def asked(domains: int, count: int) -> Asked:
    """So many hosts of each sort, spread over the lists."""
    step = max(1, domains // count - 1)  # prime to 50: every kind of name
    hit = [name(number) for number in range(0, domains, step)][:count]
    sub_domain = [f"x{number}.{host}" for number, host in enumerate(hit)]
    miss = [f"{'www.' if number % 5 < 3 else ''}{name(2**31 + number * 51)}" for number in range(len(hit))]
    return Asked(hit, sub_domain, miss)
