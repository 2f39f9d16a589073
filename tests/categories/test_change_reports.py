from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from categories.act import Generation, Outcome, Result
from categories.change import Change, ChangedVerdict, Verdicts
from categories.change_reports import SHOWN, change_json, change_lines, outcome_line
from categories.difference import ListChange, ListsDifference

MADE = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
CHANGE = Change(
    generation="000002-b",
    base="000001-a",
    made=MADE,
    author="ann",
    difference=ListsDifference(
        (ListChange("ut1", "pornography", False, 1204, 1, ("a.test", "b.test"), ("old.test",)),)
    ),
    verdicts=Verdicts(
        tuple(ChangedVerdict(f"h{n}.test", 3, "allow default", "block category.games") for n in range(SHOWN + 2)),
        ("no records of 3 of the 31 days",),
    ),
    holds=("list ut1 grows from 100 to 1,303 entries, over 25 %",),
)


def test_a_person_reads_everything_that_is_needed_to_decide() -> None:
    lines = list(change_lines(CHANGE, waits=True))
    assert lines[0] == "generation 000002-b, against 000001-a, made 2026-11-23 03:30 UTC by ann"
    assert "list ut1, pornography: +1,204 -1 entries" in lines
    assert "  + a.test, b.test and 1,202 more" in lines
    assert "  - old.test" in lines
    assert f"hosts visited by three people or more in the last 30 days that change verdict: {SHOWN + 2}" in lines
    assert "  h0.test: allow default -> block category.games (3 people)" in lines
    assert "  and 2 more; see: breakwater lists diff --json" in lines
    assert "no records of 3 of the 31 days" in lines
    assert "held: list ut1 grows from 100 to 1,303 entries, over 25 %" in lines
    assert "breakwater lists apply 000002-b --reason" in lines[-1]


def test_what_is_in_force_asks_for_nothing() -> None:
    lines = list(change_lines(CHANGE, waits=False))
    assert lines[-1] == "was held: list ut1 grows from 100 to 1,303 entries, over 25 %"


def test_a_program_gets_all_of_it() -> None:
    said = json.loads(json.dumps(change_json(CHANGE, waits=True)))
    assert said["waits"] is True
    assert len(said["verdicts"]["changed"]) == SHOWN + 2
    assert said["difference"]["changes"][0]["added"] == 1204


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (Result.APPLIED, "generation 000001-a is in force"),
        (Result.UNCHANGED, "nothing is new; generation 000001-a stays in force"),
        (
            Result.HELD,
            "held for a person, for 1 reason; generation 000001-a stays in force; see: breakwater lists diff",
        ),
    ],
)
def test_what_came_of_it_is_one_line(result: Result, expected: str) -> None:
    generation = Generation("000001-a", Path(), MADE, (), {})
    assert outcome_line(Outcome(result, generation, CHANGE)) == expected


def test_the_first_one_is_not_told_entry_by_entry() -> None:
    assert list(change_lines(replace(CHANGE, base=None, holds=()), waits=False))[1:] == [
        "1,204 entries, and nothing to compare them with"
    ]
