from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from categories.sources import ListSource, digest_of


@pytest.mark.parametrize(
    ("source", "categories", "floor", "withheld"),
    [
        (ListSource("a", "domains", path=Path("/a"), category="games"), {"games"}, set(), False),
        (ListSource("a", "domains", path=Path("/a"), category="obscene"), {"obscene"}, {"obscene"}, False),
        (
            ListSource("a", "ut1", url="u", map={"x": "games", "y": "pornography"}),
            {"games", "pornography"},
            {"pornography"},
            False,
        ),
        (ListSource("a", "ut1", path=Path("/a"), map={"x": "child-abuse"}), {"child-abuse"}, {"child-abuse"}, True),
    ],
)
def test_what_a_source_fills(source: ListSource, categories: set[str], floor: set[str], withheld: bool) -> None:
    assert (source.categories, source.floor, source.withheld) == (categories, floor, withheld)


MINE = ListSource("a", "domains", path=Path("/a"), category="games")


@pytest.mark.parametrize(
    "other",
    [
        replace(MINE, name="b"),
        replace(MINE, format="hosts"),
        replace(MINE, path=Path("/b")),
        replace(MINE, path=None, url="https://lists.test/a"),
        replace(MINE, category="shopping"),
        replace(MINE, map={"x": "games"}),
        replace(MINE, white={"x": "ITS"}),
        replace(MINE, checksum="sha256:" + "0" * 64),
        replace(MINE, expressions=True),
    ],
)
def test_a_digest_tells_every_difference(other: ListSource) -> None:
    assert digest_of((other,)) != digest_of((MINE,))
    assert digest_of((MINE,)) == digest_of((replace(MINE),))
    assert digest_of((MINE, other)) != digest_of((other, MINE))
