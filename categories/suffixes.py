"""Where one owner's names end and the next one's begin: the public suffix list, with its shared-hosting section.

An unblock for a public suffix (`co.uk`, `github.io`) would cover thousands of strangers, so both sections count as
suffixes. A name with one label counts too, on the list or not. A block list may name a suffix of the private section,
which one owner answers for, never one of the ICANN section. All hosts are canonical (categories.address).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from publicsuffixlist import PSLFILE, PublicSuffixList

if TYPE_CHECKING:
    from collections.abc import Callable


@cache
def _whole_list() -> PublicSuffixList:
    return PublicSuffixList()


@cache
def _icann_section() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


#: Opens the section of shared hosting in the public suffix list.
_PRIVATE = "===BEGIN PRIVATE DOMAINS==="


@dataclass(frozen=True, slots=True)
class _Rules:
    """The names that stand in rules, without `*.` and `!`, and those of them that stand behind `*.`."""

    named: frozenset[str]
    wildcard: frozenset[str]

    def may_make_suffix(self, host: str) -> bool:
        # Asking the library costs 3.6 µs, and a list has millions of lines; only names near a rule can be suffixes.
        _, dot, parent = host.partition(".")
        return not dot or host in self.named or parent in self.wildcard


def _rules_of(text: str) -> _Rules:
    rules = [line.split()[0] for line in text.splitlines() if line.strip() and not line.startswith("//")]
    names = {rule: rule.removeprefix("!").removeprefix("*.").encode("idna").decode("ascii") for rule in rules}
    return _Rules(frozenset(names.values()), frozenset(name for rule, name in names.items() if rule.startswith("*.")))


@cache
def _sections() -> tuple[_Rules, _Rules]:
    """The rules of the ICANN section and those of the private one."""
    icann, _, private = Path(PSLFILE).read_text(encoding="utf-8").partition(_PRIVATE)
    return _rules_of(icann), _rules_of(private)


@cache
def _rules() -> _Rules:
    icann, private = _sections()
    return _Rules(icann.named | private.named, icann.wildcard | private.wildcard)


def may_be_registry_suffix() -> Callable[[str], bool]:
    """The first look of is_registry_suffix, which is right whenever it says no."""
    return _sections()[0].may_make_suffix


def private_suffixes() -> frozenset[str]:
    """The names of the private section: services below which strangers have sites, `github.io`; `*.` is left out."""
    return _sections()[1].named


def _is_address(host: str) -> bool:
    # WHATWG: a host whose last label is a number is an IPv4 address or refused, so this cannot be a name.
    return ":" in host or host.rpartition(".")[2].isdigit()


def is_public_suffix(host: str) -> bool:
    """True for a name under which anybody can register: `com`, `co.uk`, `github.io`, and every single label."""
    return _rules().may_make_suffix(host) and not _is_address(host) and _whole_list().publicsuffix(host) == host


def is_registry_suffix(host: str) -> bool:
    """True for a suffix of the ICANN section, `com`, `co.uk`, and every single label: nobody's own site."""
    return (
        _sections()[0].may_make_suffix(host) and not _is_address(host) and _icann_section().publicsuffix(host) == host
    )


@lru_cache(maxsize=16_384)
def below_private_suffix(host: str) -> bool:
    """True below a suffix of the private section (shared hosting), such as `foo.github.io`."""
    if _is_address(host):
        return False
    suffix = _whole_list().publicsuffix(host)
    return suffix != host and suffix != _icann_section().publicsuffix(host)
