from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from categories.formats import e2guardian
from tests.categories.golden_lists import every_line_is_an_entry_or_rejected, parsed_as_expected

raw_lines = st.lists(
    st.binary(max_size=60) | st.text("a.Tés/%*#@|^$=;( 0CNAME:", max_size=40).map(str.encode), max_size=8
)


def test_golden_list() -> None:
    parsed_as_expected("e2guardian.list", e2guardian.parse)


@given(raw_lines)
def test_whatever_stands_in_a_line_it_is_an_entry_or_not(raw: list[bytes]) -> None:
    every_line_is_an_entry_or_rejected(e2guardian.parse, raw)
