from __future__ import annotations

import pytest

from categories.entries import Covers
from categories.errors import ListRefused
from categories.formats import expressions
from categories.formats.entry import ParsedEntry, RejectedLine
from categories.streams import LINE_CAP
from tests.categories.golden_lists import parsed_as_expected


def test_golden_list() -> None:
    parsed_as_expected("expressions.list", expressions.parse)


def test_what_is_no_text_is_rejected_in_its_place() -> None:
    lines = [b"\xef\xbb\xbfmarker", b"\xff", b"x" * (LINE_CAP + 1), b"", b"kennwort"]
    assert list(expressions.parse(lines)) == [
        ParsedEntry(1, "", Covers.EXPRESSION, "marker"),
        RejectedLine(2, "not UTF-8"),
        RejectedLine(3, "line longer than 4096 bytes"),
        ParsedEntry(5, "", Covers.EXPRESSION, "kennwort"),
    ]


@pytest.mark.parametrize("line", [b"good", b"(", b"\xff"])
def test_a_file_of_too_many_lines_refuses_the_list(monkeypatch: pytest.MonkeyPatch, line: bytes) -> None:
    monkeypatch.setattr(expressions, "EXPRESSIONS_CAP", 10)
    with pytest.raises(ListRefused, match="more than 10 lines"):
        list(expressions.parse([line] * 11))
