from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from categories.history import FILE, Applied, Kind, append, before, history, rolled_back

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)


def applied(*generations: str, kind: Kind = Kind.UPDATE) -> tuple[Applied, ...]:
    return tuple(Applied(generation, kind, AT, "ann", "why") for generation in generations)


def test_what_was_put_in_force_is_read_again_in_its_order(tmp_path: Path) -> None:
    assert history(tmp_path) == ()
    for each in applied("a", "b", "a"):
        append(tmp_path, each)
    assert history(tmp_path) == applied("a", "b", "a")


def test_a_line_that_was_cut_off_is_left_out_and_the_next_one_is_not_lost(tmp_path: Path) -> None:
    append(tmp_path, *applied("a"))
    with (tmp_path / FILE).open("a") as file:
        file.write('{"generation": "b", "ki')
    append(tmp_path, *applied("c"))
    append(tmp_path, *applied("d"))
    assert [each.generation for each in history(tmp_path)] == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("past", "expected"),
    [
        ("", None),
        ("a", None),
        ("ab", "a"),
        ("abc", "b"),
        ("abc<b", "a"),  # a second rollback goes further back
        ("abc<b<a", None),
        ("abc<a", None),
        ("abc<bd", "b"),
        ("ab<x", "b"),  # to one that the history does not know
        ("aba", "b"),
    ],
)
def test_where_a_rollback_leads(past: str, expected: str | None) -> None:
    found = []
    for place, name in enumerate(past):
        if name != "<":
            kind = Kind.ROLLBACK if past[place - 1 : place] == "<" else Kind.UPDATE
            found += applied(name, kind=kind)
    assert before(tuple(found)) == expected


def test_bytes_that_are_no_text_cost_their_line_alone(tmp_path: Path) -> None:
    append(tmp_path, *applied("a"))
    with (tmp_path / FILE).open("ab") as file:
        file.write(b"\xff\xfe")
    append(tmp_path, *applied("b"))
    assert [each.generation for each in history(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("kinds", "held"),
    [
        ((Kind.UPDATE,), False),
        ((Kind.UPDATE, Kind.ROLLBACK), True),
        ((Kind.ROLLBACK, Kind.COMPILE), True),  # nobody has decided on the next update yet
        ((Kind.ROLLBACK, Kind.SETTINGS), True),
        ((Kind.ROLLBACK, Kind.APPLY), False),
        ((), False),
    ],
)
def test_a_rollback_counts_until_a_person_applies_an_update(kinds: tuple[Kind, ...], held: bool) -> None:
    past = tuple(each for kind in kinds for each in applied("a", kind=kind))
    assert (rolled_back(past) is not None) is held


def test_of_a_file_without_end_the_last_lines_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in applied("a", "b", "c"):
        append(tmp_path, each)
    line = (tmp_path / FILE).stat().st_size // 3
    monkeypatch.setattr("categories.history._FILE_CAP", line + line // 2)
    assert history(tmp_path) == applied("c")
