from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from categories.formats import urls
from categories.formats.entry import ParsedEntry
from tests.categories.golden_lists import every_line_is_an_entry_or_rejected, parsed_as_expected

raw_lines = st.lists(st.binary(max_size=60) | st.text("a.Tés/%*#@: 0x\\?;", max_size=40).map(str.encode), max_size=8)


@pytest.mark.parametrize("name", ["urls.list"])
def test_golden_list(name: str) -> None:
    parsed_as_expected(name, urls.parse)


@given(raw_lines)
def test_whatever_stands_in_a_line_it_is_an_entry_or_rejected(raw: list[bytes]) -> None:
    every_line_is_an_entry_or_rejected(urls.parse, raw)


@given(st.binary(max_size=40).map(lambda tail: b"a.test/" + tail.replace(b"\n", b"")))
@example(b"a.test/\x1b[2J?\x1b]0;x\x07\x7f\xc2\x9b\xe2\x80\xae")
def test_nothing_that_a_terminal_would_obey_comes_out(line: bytes) -> None:
    for each in urls.parse([(1, line)]):
        shown = f"{each.host}{each.target}" if isinstance(each, ParsedEntry) else repr(each)
        assert shown.isascii()
        assert shown.isprintable()
