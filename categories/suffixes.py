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
    excepted: frozenset[str]  # behind `!`: one owner's, below a wildcard

    def may_make_suffix(self, host: str) -> bool:
        # Asking the library costs 3.6 µs, and a list has millions of lines; only names near a rule can be suffixes.
        _, dot, parent = host.partition(".")
        return not dot or host in self.named or parent in self.wildcard


def _rules_of(text: str) -> _Rules:
    rules = [line.split()[0] for line in text.splitlines() if line.strip() and not line.startswith("//")]
    names = {rule: rule.removeprefix("!").removeprefix("*.").encode("idna").decode("ascii") for rule in rules}
    behind = {mark: frozenset(name for rule, name in names.items() if rule.startswith(mark)) for mark in ("*.", "!")}
    return _Rules(frozenset(names.values()), behind["*."], behind["!"])


@cache
def _sections() -> tuple[_Rules, _Rules]:
    """The rules of the ICANN section and those of the private one."""
    icann, _, private = Path(PSLFILE).read_text(encoding="utf-8").partition(_PRIVATE)
    return _rules_of(icann), _rules_of(private)


@cache
def _rules() -> _Rules:
    icann, private = _sections()
    return _Rules(icann.named | private.named, icann.wildcard | private.wildcard, icann.excepted | private.excepted)


def may_be_registry_suffix() -> Callable[[str], bool]:
    """The first look of is_registry_suffix, which is right whenever it says no."""
    return _sections()[0].may_make_suffix


@cache
def shared_hosts() -> frozenset[str]:
    """The names that stand in rules of either section, and all above them: `github.io`, `amazonaws.com`, `com`.

    Names that only a rule with `*.` means are not among them: see `shared_wildcards` and `is_shared`.
    """
    above: set[str] = set()
    for name in _rules().named - _rules().excepted:
        while name and name not in above:
            above.add(name)
            name = name.partition(".")[2]
    return frozenset(above)


def shared_wildcards() -> frozenset[str]:
    """The names that stand behind `*.` in rules: strangers have sites below each name that is just below one."""
    return _rules().wildcard


def is_shared(host: str) -> bool:
    """True where strangers have sites of their own below a host: an entry that covers all of it means theirs too."""
    if host in shared_hosts():
        return True
    return host.partition(".")[2] in shared_wildcards() and host not in _rules().excepted


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
