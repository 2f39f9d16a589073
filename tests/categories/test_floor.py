from __future__ import annotations

from datetime import UTC, datetime

import pytest

from categories.errors import FloorRefused, ListRefused
from categories.floor import check_floor, refusing_floor
from categories.meta import ListSummary
from categories.sources import ListSource

UT1 = ListSource("ut1", "ut1", url="https://lists.test/", map={"adult": "pornography", "games": "games"})


def summary(**counts: int) -> ListSummary:
    return ListSummary("ut1", "ut1", datetime(2026, 11, 22, tzinfo=UTC), "0" * 64, 0, 0, 0, 0, counts)


@pytest.mark.parametrize(
    ("now", "before", "refused"),
    [
        (100, 0, False),
        (100, 100, False),
        (80, 100, False),
        (79, 100, True),
        (4, 5, False),
        (3, 4, True),
        (0, 0, True),
        (1_000, 100, False),
    ],
)
def test_a_floor_category_may_lose_a_fifth_and_never_everything(now: int, before: int, refused: bool) -> None:
    previous = {"pornography": {"ut1": before, "another": 10_000}}
    if refused:
        with pytest.raises(FloorRefused, match="list ut1"):
            check_floor((UT1,), (summary(pornography=now, games=1),), previous)
    else:
        check_floor((UT1,), (summary(pornography=now),), previous)


def test_other_categories_may_shrink() -> None:
    check_floor((UT1,), (summary(pornography=1),), {"games": {"ut1": 1_000_000}})


def test_a_refused_list_refuses_the_floor_only_where_it_fills_it() -> None:
    games = ListSource("games", "domains", url="https://lists.test/", category="games")
    with pytest.raises(FloorRefused, match=r"damaged.*pornography"), refusing_floor(UT1):
        raise ListRefused("damaged")
    with pytest.raises(ListRefused) as refusal, refusing_floor(games):
        raise ListRefused("damaged")
    assert not isinstance(refusal.value, FloorRefused)
