"""Where one owner's names end and the next one's begin: the public suffix list, with its shared-hosting section.

An entry or an unblock for a public suffix (`co.uk`, `github.io`) would cover thousands of strangers, so both sections
count as suffixes. A name with one label counts too, on the list or not. All hosts are canonical (categories.address).
"""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

from publicsuffixlist import PSLFILE, PublicSuffixList


@cache
def _whole_list() -> PublicSuffixList:
    return PublicSuffixList()


@cache
def _icann_section() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


@cache
def _rules() -> tuple[frozenset[str], frozenset[str]]:
    """The names that stand in rules, without `*.` and `!`, and those of them that stand behind `*.`."""
    lines = Path(PSLFILE).read_text(encoding="utf-8").splitlines()
    rules = [line.split()[0] for line in lines if line.strip() and not line.startswith("//")]
    names = {rule: rule.removeprefix("!").removeprefix("*.").encode("idna").decode("ascii") for rule in rules}
    return frozenset(names.values()), frozenset(name for rule, name in names.items() if rule.startswith("*."))


def _may_be_suffix(host: str) -> bool:
    # Asking the library costs 3.6 µs, and a list has millions of lines; only names near a rule can be suffixes.
    named, wildcard = _rules()
    _, dot, parent = host.partition(".")
    return not dot or host in named or parent in wildcard


def _is_address(host: str) -> bool:
    # WHATWG: a host whose last label is a number is an IPv4 address or refused, so this cannot be a name.
    return ":" in host or host.rpartition(".")[2].isdigit()


def is_public_suffix(host: str) -> bool:
    """True for a name under which anybody can register: `com`, `co.uk`, `github.io`, and every single label."""
    return _may_be_suffix(host) and not _is_address(host) and _whole_list().publicsuffix(host) == host


@lru_cache(maxsize=16_384)
def below_private_suffix(host: str) -> bool:
    """True below a suffix of the private section (shared hosting), such as `foo.github.io`."""
    if _is_address(host):
        return False
    suffix = _whole_list().publicsuffix(host)
    return suffix != host and suffix != _icann_section().publicsuffix(host)
