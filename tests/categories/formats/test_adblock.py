from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from categories.formats import adblock
from tests.categories.golden_lists import every_line_is_an_entry_or_rejected, opened_as, parsed_as_expected

raw_lines = st.lists(
    st.binary(max_size=60) | st.text("a.Tés/%*#@|^$=;( 0CNAME:", max_size=40).map(str.encode), max_size=8
)


def test_golden_list() -> None:
    parsed_as_expected("adblock.list", adblock.parse)


def test_golden_list_with_its_exceptions() -> None:
    black, white = opened_as("adblock.exceptions", "adblock").parts
    assert (black.category, black.white, white.category, white.white) == ("games", False, "exceptions", True)
    parsed_as_expected("adblock.exceptions", black.parse)
    parsed_as_expected("adblock.exceptions", white.parse, "white.expected")


@given(raw_lines)
def test_whatever_stands_in_a_line_it_is_an_entry_or_not(raw: list[bytes]) -> None:
    every_line_is_an_entry_or_rejected(adblock.parse, raw)
