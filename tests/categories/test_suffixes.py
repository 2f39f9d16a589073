from __future__ import annotations

from pathlib import Path

from publicsuffixlist import PSLFILE, PublicSuffixList

from categories.suffixes import is_public_suffix, is_registry_suffix, private_suffixes


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


def test_services_of_shared_hosting_are_known_by_name() -> None:
    services = private_suffixes()
    assert {"github.io", "blogspot.com", "elb.amazonaws.com"} <= services
    assert services & {"com", "co.uk", "example.com"} == set()
    assert all(name.isascii() and "*" not in name and not is_registry_suffix(name) for name in services)
