from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories.errors import ListRefused
from categories.formats import FORMATS, adblock, exceptions, rpz
from categories.formats.entry import UnsupportedLine
from categories.index import CategoryIndex
from categories.sources import EXCEPTING, ListSource
from categories.update import compile_generation
from tests.categories.golden_lists import written

if TYPE_CHECKING:
    from pathlib import Path


LISTS = {
    "adblock": "||ads.test^\n@@||good.ads.test^\n@@||odd.test^$third-party\n",
    "rpz": "*.ads.test CNAME .\n*.good.ads.test CNAME rpz-passthru.\nodd.test CNAME other.test.\n",
}


def source(path: Path, format_: str, category: str | None = "games", **white: str) -> ListSource:
    return ListSource("mine", format_, path=path, category=category, white=white)


@pytest.mark.parametrize("format_", EXCEPTING)
def test_exceptions_are_unsupported_until_somebody_answers_for_them(tmp_path: Path, format_: str) -> None:
    (tmp_path / "mine").write_text(LISTS[format_])
    without = compile_generation((source(tmp_path / "mine", format_),), tmp_path / "lists").lists[1]
    assert (without.entries, without.white, without.unsupported) == (1, 0, 2)
    generation = compile_generation((source(tmp_path / "mine", format_, exceptions="ITS"),), tmp_path / "lists")
    taken = generation.lists[1]
    assert (taken.entries, taken.white, taken.unsupported, taken.counts) == (2, 1, 1, {"games": 1})
    entries = CategoryIndex.open(generation.folder).lookup("www.good.ads.test")
    assert {(entry.category, entry.white, entry.file, entry.line) for entry in entries} == {
        ("games", False, "mine", 1),
        ("exceptions", True, "mine", 2),
    }


@pytest.mark.parametrize(
    ("category", "white", "words"),
    [
        (None, {}, "category is missing"),
        ("games", {"all": "ITS"}, "white has one name for a list of format rpz: exceptions"),
        ("games", {"exceptions": " "}, "white has no owner for its exceptions; name who answers for them"),
    ],
    ids=["no category", "another name", "no owner"],
)
def test_what_the_settings_may_not_say(tmp_path: Path, category: str | None, white: dict[str, str], words: str) -> None:
    with pytest.raises(ListRefused, match=words):
        FORMATS["rpz"](source(tmp_path, "rpz", category, **white), tmp_path, tmp_path)


@pytest.mark.parametrize("format_", sorted(FORMATS.keys() - {*EXCEPTING, "ut1"}))
def test_other_formats_have_nothing_white(tmp_path: Path, format_: str) -> None:
    with pytest.raises(ListRefused, match=f"a list of format {format_} has nothing white"):
        FORMATS[format_](source(tmp_path, format_, exceptions="ITS"), tmp_path, tmp_path)


raw_lines = st.lists(
    st.text("a.Té@|^$=;( 0CNAME:", max_size=30).map(str.encode)
    | st.sampled_from([b"@@||a.test^", b"||a.test^", b"a.test CNAME rpz-passthru.", b"a.test CNAME .", b"@@||com^"]),
    max_size=8,
)


@given(raw_lines, st.sampled_from([adblock, rpz]))
def test_every_line_is_counted_once_in_one_of_the_two_parts(lines: list[bytes], format_: object) -> None:
    parse = format_.parse  # type: ignore[attr-defined]
    raw = list(enumerate(lines, 1))
    whole = list(parse(raw))
    black, white = list(exceptions._without_exceptions(parse, raw)), list(exceptions._exceptions_alone(parse, raw))
    assert sorted(parsed.line for parsed in black + white) == [parsed.line for parsed in whole]
    assert [written(parsed) for parsed in black] == [
        written(parsed) for parsed in whole if not isinstance(parsed, exceptions.ExceptedLine)
    ]
    assert all(isinstance(parsed, UnsupportedLine) for parsed in whole if parsed.line in {each.line for each in white})
