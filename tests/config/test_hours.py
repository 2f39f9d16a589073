from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.hours import HoursUnreadable, parse_hours

COVERED = [
    ("the first minute", "Mon-Fri 07:30-16:00", "2026-11-23 07:30", True),
    ("the minute before", "Mon-Fri 07:30-16:00", "2026-11-23 07:29", False),
    ("the end is outside", "Mon-Fri 07:30-16:00", "2026-11-23 16:00", False),
    ("a Sunday", "Mon-Fri 07:30-16:00", "2026-11-22 12:00", False),
    ("the second window", "Mon 07:00-08:00; Sun 10:00-13:00", "2026-11-22 12:00", True),
    ("days over the end of the week", "Sat-Mon 10:00-13:00", "2026-11-22 12:00", True),
    ("single days", "Tue, Sun 10:00-13:00", "2026-11-22 12:00", True),
    ("after midnight of a window that began on Friday", "Fri 22:00-06:00", "2026-11-28 05:59", True),
    ("the same hour a day later", "Fri 22:00-06:00", "2026-11-29 05:59", False),
    ("to the end of the day", "Sun 20:00-24:00", "2026-11-22 23:59", True),
]


@pytest.mark.parametrize(("text", "at", "inside"), [row[1:] for row in COVERED], ids=[row[0] for row in COVERED])
def test_covers(text: str, at: str, inside: bool) -> None:
    assert parse_hours(text).covers(datetime.fromisoformat(at)) is inside


@pytest.mark.parametrize(
    "text",
    ["", "Mon", "07:30-16:00", "Mo-Fr 07:30-16:00", "Mon 7:30-16:00", "Mon 07:30-07:30", "Mon 07:60-08:00",
     "Mon 24:00-08:00", "Mon 08:00-24:01", "Mon 07:30-16:00;", "Mon- 07:30-16:00", "Mon 07:30-16:00 Tue", "*"],
)  # fmt: skip
def test_unreadable(text: str) -> None:
    with pytest.raises(HoursUnreadable):
        parse_hours(text)


@given(st.text("MonTueFri -,;:0123456789", max_size=40))
def test_any_text_is_hours_or_unreadable(text: str) -> None:
    try:
        hours = parse_hours(text)
    except HoursUnreadable:
        return
    assert all(window.days <= frozenset(range(7)) for window in hours.windows)
