from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from usage_log.moments import parse_since, parse_until

PACIFIC = ZoneInfo("America/Los_Angeles")
NOW = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)  # still the 22nd in California


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2026-11-22", "2026-11-22T08:00+00:00", "2026-11-23T08:00+00:00"),
        ("2026-11-01", "2026-11-01T07:00+00:00", "2026-11-02T08:00+00:00"),  # the clocks go back: 25 hours
        ("2026-11-22 14:30", "2026-11-22T22:30+00:00", "2026-11-22T22:30+00:00"),
        ("2026-11-22T14:30:00Z", "2026-11-22T14:30+00:00", "2026-11-22T14:30+00:00"),
        ("2026-11-22T14:30:00.5+01:00", "2026-11-22T13:30:00.5+00:00", "2026-11-22T13:30:00.5+00:00"),
        ("today", "2026-11-22T08:00+00:00", "2026-11-23T08:00+00:00"),
        ("yesterday", "2026-11-21T08:00+00:00", "2026-11-22T08:00+00:00"),
        ("90m", "2026-11-23T04:00+00:00", "2026-11-23T04:00+00:00"),
        ("24h", "2026-11-22T05:30+00:00", "2026-11-22T05:30+00:00"),
        ("7d", "2026-11-16T05:30+00:00", "2026-11-16T05:30+00:00"),
    ],
)
def test_what_a_person_types_as_a_time(text: str, since: str, until: str) -> None:
    assert parse_since(text, PACIFIC, NOW) == datetime.fromisoformat(since)
    assert parse_until(text, PACIFIC, NOW) == datetime.fromisoformat(until)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2026-13-01", "2026-02-30", "25:00", "-1d", "9999-12-31", "0001-01-01T00:00+09:00", "1w", "' OR 1"],
)
def test_what_is_no_time_is_one_line_that_says_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="is no time: write 2026-11-22") as refused:
        parse_until(text, PACIFIC, NOW)
    assert "\n" not in str(refused.value)
