from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from categories.attempts import attempt_noted, last_attempt
from categories.errors import FloorRefused, ListsRefused, ListUnreachable, UpdateBusy

if TYPE_CHECKING:
    from pathlib import Path


def test_what_came_of_an_update_is_kept(tmp_path: Path) -> None:
    assert last_attempt(tmp_path) is None
    with attempt_noted(tmp_path) as said:
        said.append("generation 1 is in force")
    found = last_attempt(tmp_path)
    assert found
    assert (found.failed, found.says) == (False, "generation 1 is in force")
    assert found.at.tzinfo


def refused(folder: Path, error: ListsRefused) -> None:
    with attempt_noted(folder):
        raise error


@pytest.mark.parametrize("error", [FloorRefused("list a: is empty"), ListUnreachable("list a: no answer")], ids=repr)
def test_what_refused_it_is_kept_as_it_was_said(tmp_path: Path, error: ListsRefused) -> None:
    with pytest.raises(type(error)):
        refused(tmp_path, error)
    found = last_attempt(tmp_path)
    assert found
    assert (found.failed, found.says) == (True, str(error))


def test_one_that_found_another_at_work_says_nothing(tmp_path: Path) -> None:
    with pytest.raises(UpdateBusy):
        refused(tmp_path, UpdateBusy("another"))
    assert last_attempt(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"at": 1}', '{"at": "x", "failed": 1, "says": ""}', "\0"])
def test_what_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "attempt.json").write_text(text)
    assert last_attempt(tmp_path) is None


def test_a_folder_that_cannot_be_written_hides_no_refusal(tmp_path: Path) -> None:
    with pytest.raises(FloorRefused):
        refused(tmp_path / "missing", FloorRefused("list a: is empty"))
