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


def refused(folder: Path, error: Exception) -> None:
    with attempt_noted(folder):
        raise error


@pytest.mark.parametrize("error", [FloorRefused("list a: is empty"), ListUnreachable("list a: no answer")], ids=repr)
def test_what_refused_it_is_kept_as_it_was_said(tmp_path: Path, error: ListsRefused) -> None:
    with pytest.raises(type(error)):
        refused(tmp_path, error)
    found = last_attempt(tmp_path)
    assert found
    assert (found.failed, found.says) == (True, str(error))


CRASHES = {
    "what another room refuses": (RuntimeError("revision 3 was changed"), "RuntimeError: revision 3 was changed"),
    "a full disk": (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
    "nothing said": (MemoryError(), "MemoryError:"),
    "lines, and signs for a terminal": (ValueError("one\n\x1b[2Jtwo"), "ValueError: one [2Jtwo"),
    "a whole list": (ValueError("x" * 10_000), f"ValueError: {'x' * 288}"),
}


@pytest.mark.parametrize(("error", "says"), CRASHES.values(), ids=CRASHES)
def test_what_crashed_it_is_kept_as_one_line(tmp_path: Path, error: Exception, says: str) -> None:
    with pytest.raises(type(error)):
        refused(tmp_path, error)
    found = last_attempt(tmp_path)
    assert found
    assert (found.failed, found.says) == (True, says)


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


@pytest.mark.parametrize("foreign", ["attempt.json", ".attempt.json"])
def test_what_is_in_the_way_of_the_file_hides_no_refusal(tmp_path: Path, foreign: str) -> None:
    (tmp_path / foreign).mkdir()
    with pytest.raises(FloorRefused):
        refused(tmp_path, FloorRefused("list a: is empty"))


def test_a_folder_of_somebody_else_hides_no_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(type(tmp_path), "unlink", denied)
    (tmp_path / "attempt.json").mkdir()
    with pytest.raises(FloorRefused):
        refused(tmp_path, FloorRefused("list a: is empty"))


def test_a_file_without_end_is_not_read_to_it(tmp_path: Path) -> None:
    says = "x" * 1024**2
    (tmp_path / "attempt.json").write_text(f'{{"at": "2026-11-23T03:30:00+00:00", "failed": true, "says": "{says}"}}')
    assert last_attempt(tmp_path) is None
