from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories.change import CHANGE_FILE, Change, ChangedVerdict, Verdicts, change_of, to_json
from categories.difference import ListChange, ListsDifference
from categories.errors import ListRefused

if TYPE_CHECKING:
    from pathlib import Path

text = st.text(max_size=30)
numbers = st.integers(min_value=0, max_value=10**9)


@given(
    st.builds(
        Change,
        generation=text,
        base=st.none() | text,
        made=st.datetimes(timezones=st.just(UTC)),
        author=text,
        difference=st.builds(
            ListsDifference,
            st.tuples(
                st.builds(ListChange, text, text, st.booleans(), numbers, numbers, st.tuples(text), st.tuples(text))
            ),
        ),
        verdicts=st.builds(Verdicts, st.tuples(st.builds(ChangedVerdict, text, numbers, text, text)), st.tuples(text)),
        holds=st.tuples(text),
    )
)
def test_a_change_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, change: Change) -> None:
    folder = tmp_path_factory.mktemp("change")
    (folder / CHANGE_FILE).write_bytes(to_json(change))
    assert change_of(folder) == change


@pytest.mark.parametrize("text", [None, b"", b"{}", b"[1]", b"\xff", b'{"generation": 3}'])
def test_a_damaged_change_is_refused_in_one_line(tmp_path: Path, text: bytes | None) -> None:
    if text is not None:
        (tmp_path / CHANGE_FILE).write_bytes(text)
    with pytest.raises(ListRefused) as refusal:
        change_of(tmp_path)
    assert "\n" not in str(refusal.value)
    assert "run: breakwater lists update" in str(refusal.value)


def test_times_keep_their_zone(tmp_path: Path) -> None:
    made = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
    change = Change("a", None, made, "ann", ListsDifference(()), Verdicts(), ())
    (tmp_path / CHANGE_FILE).write_bytes(to_json(change))
    assert change_of(tmp_path).made.utcoffset() == made.utcoffset()


def test_a_file_without_end_is_not_read_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change = Change("a", None, datetime(2026, 11, 23, 3, 30, tzinfo=UTC), "ann", ListsDifference(()), Verdicts(), ())
    (tmp_path / CHANGE_FILE).write_bytes(to_json(change))
    monkeypatch.setattr("categories.change._FILE_CAP", len(to_json(change)) - 1)
    with pytest.raises(ListRefused):
        change_of(tmp_path)
