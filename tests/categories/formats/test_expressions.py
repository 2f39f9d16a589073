from __future__ import annotations

import pytest

from categories.errors import ListRefused
from categories.formats import expressions
from categories.formats.entry import ParsedExpression, RejectedLine
from categories.streams import LINE_CAP
from tests.categories.golden_lists import parsed_as_expected


def test_golden_list() -> None:
    parsed_as_expected("expressions.list", expressions.parse)


def test_what_is_no_text_is_rejected_in_its_place() -> None:
    lines = [b"\xef\xbb\xbfmarker", b"\xff", b"x" * (LINE_CAP + 1), b"", b"kennwort"]
    assert list(expressions.parse(enumerate(lines, 1))) == [
        ParsedExpression(1, "marker"),
        RejectedLine(2, "not UTF-8"),
        RejectedLine(3, "line longer than 4096 bytes"),
        ParsedExpression(5, "kennwort"),
    ]


@pytest.mark.parametrize("odd", ["\x1b[2J]x", "a\x07b", "a\tb", "a\x7fb", "a\x9bb", "a\u202eb", "a\u2028b", "a\0b"])
def test_what_a_terminal_would_obey_is_rejected(odd: str) -> None:
    assert list(expressions.parse([(1, odd.encode())])) == [
        RejectedLine(1, "a control character, or one that cannot be seen")
    ]


def test_what_stands_twice_is_given_once() -> None:
    lines = [b"marker", b"x(", b"marker ", b"x("]
    assert list(expressions.parse(enumerate(lines, 1))) == [
        ParsedExpression(1, "marker"),
        RejectedLine(2, "a ( without its )"),
    ]


@pytest.mark.parametrize("line", ["good{}", "({}", "\xff"])
def test_a_file_of_too_many_lines_refuses_the_list(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setattr(expressions, "EXPRESSIONS_CAP", 10)
    with pytest.raises(ListRefused, match="more than 10 lines"):
        list(expressions.parse((number, line.format(number).encode("latin-1")) for number in range(1, 12)))
