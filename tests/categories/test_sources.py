from __future__ import annotations

from pathlib import Path

import pytest

from categories.sources import ListSource


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
