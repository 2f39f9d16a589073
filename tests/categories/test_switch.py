"""What a disk says while the lists are changed; tests/categories/test_change_requests.py and test_update.py switch."""

from __future__ import annotations

from errno import EACCES, ENOSPC
from typing import TYPE_CHECKING

import pytest

from categories.errors import ListRefused
from categories.switch import writing

if TYPE_CHECKING:
    from pathlib import Path


def raised(lists: Path, error: OSError) -> None:
    with writing(lists):
        raise error


def said(lists: Path, error: OSError) -> str:
    with pytest.raises(ListRefused) as refused:
        raised(lists, error)
    return str(refused.value)


def test_what_the_lists_folder_refuses_is_said_of_it(tmp_path: Path) -> None:
    inside = tmp_path / "lists" / "generations" / ".unfinished-1"
    error = OSError(EACCES, "Permission denied", str(inside))
    assert said(tmp_path / "lists", error) == f"cannot write {tmp_path / 'lists'}: Permission denied"


@pytest.mark.parametrize("name", ["spool/1", "lists-of-others/x"])
def test_what_another_folder_refuses_is_not_said_of_the_lists(tmp_path: Path, name: str) -> None:
    error = OSError(EACCES, "Permission denied", str(tmp_path / name))
    assert said(tmp_path / "lists", error) == f"cannot use {tmp_path / name}: Permission denied"


def test_what_names_no_file_is_said_of_none(tmp_path: Path) -> None:
    assert said(tmp_path, OSError(ENOSPC, "No space left on device")) == (
        f"an act on {tmp_path} failed: No space left on device"
    )


def test_what_says_nothing_is_named(tmp_path: Path) -> None:
    assert said(tmp_path, OSError()) == f"an act on {tmp_path} failed: OSError"
