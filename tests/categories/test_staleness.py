from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from categories.meta import ListSummary
from categories.staleness import days_old, is_stale

DATE = datetime(2026, 11, 1, 12, tzinfo=UTC)
LIST = ListSummary("ut1", "ut1", DATE, "0" * 64, 5, 0, 0, 0, {"pornography": 5})


@pytest.mark.parametrize(
    ("after", "limit", "days", "stale"),
    [
        (timedelta(days=14), 14, 14, False),
        (timedelta(days=14, seconds=1), 14, 14, True),
        (timedelta(days=400), 14, 400, True),
        (timedelta(days=-3), 14, 0, False),
        (timedelta(days=400), None, 400, False),
    ],
    ids=["at its limit", "a second later", "long after", "of tomorrow", "without a limit"],
)
def test_a_list_is_stale_when_it_is_older_than_its_limit(
    after: timedelta, limit: int | None, days: int, stale: bool
) -> None:
    limits = {} if limit is None else {"ut1": timedelta(days=limit)}
    assert days_old(LIST, DATE + after) == days
    assert is_stale(LIST, limits, DATE + after) is stale
