from __future__ import annotations

from pathlib import Path

from publicsuffixlist import PSLFILE, PublicSuffixList

from categories.suffixes import is_public_suffix


def test_the_short_way_answers_as_the_library_does_near_every_rule() -> None:
    library = PublicSuffixList()
    with Path(PSLFILE).open(encoding="utf-8") as lines:
        rules = [line.split()[0] for line in lines if line.strip() and not line.startswith("//")]
    names = [rule.removeprefix("!").removeprefix("*.").encode("idna").decode() for rule in rules]
    near = [host for name in names[::3] for host in (name, f"x.{name}", f"a.x.{name}")]
    assert len(near) > 9_000
    assert [host for host in near if is_public_suffix(host) != (library.publicsuffix(host) == host)] == []
