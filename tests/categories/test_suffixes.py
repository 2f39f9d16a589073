from __future__ import annotations

from pathlib import Path

import pytest
from publicsuffixlist import PSLFILE, PublicSuffixList

from categories.suffixes import is_public_suffix, is_registry_suffix, is_shared, shared_hosts


def names_near_every_rule() -> list[str]:
    with Path(PSLFILE).open(encoding="utf-8") as lines:
        rules = [line.split()[0] for line in lines if line.strip() and not line.startswith("//")]
    names = [rule.removeprefix("!").removeprefix("*.").encode("idna").decode() for rule in rules]
    near = [host for name in names[::3] for host in (name, f"x.{name}", f"a.x.{name}")]
    assert len(near) > 9_000
    return near


def test_the_short_way_answers_as_the_library_does_near_every_rule() -> None:
    whole, icann = PublicSuffixList(), PublicSuffixList(only_icann=True)
    near = names_near_every_rule()
    assert [host for host in near if is_public_suffix(host) != (whole.publicsuffix(host) == host)] == []
    assert [host for host in near if is_registry_suffix(host) != (icann.publicsuffix(host) == host)] == []


@pytest.mark.parametrize(
    ("host", "shared"),
    [
        ("github.io", True),
        ("amazonaws.com", True),  # above hundreds of rules, in none itself
        ("io", True),
        ("co.uk", True),
        ("uc.r.appspot.com", True),  # *.r.appspot.com
        ("r.appspot.com", True),
        ("somebody.uc.r.appspot.com", False),
        ("somebody.github.io", False),
        ("example.test", False),
        ("hub.io", False),
        ("kawasaki.jp", True),  # *.kawasaki.jp
        ("school.kawasaki.jp", True),
        ("city.kawasaki.jp", False),  # !city.kawasaki.jp
    ],
)
def test_a_shared_host_is_one_below_which_strangers_have_sites(host: str, shared: bool) -> None:
    assert is_shared(host) is shared
    assert (host in shared_hosts()) <= shared


def test_every_suffix_is_a_shared_host_and_so_is_every_name_above_one() -> None:
    suffixes = [host for host in names_near_every_rule() if is_public_suffix(host)]
    assert len(suffixes) > 3_000
    assert [host for host in suffixes if not is_shared(host)] == []
    assert [host for host in suffixes if not is_shared(host.partition(".")[2] or host)] == []
