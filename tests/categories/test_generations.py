from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING

import pytest

from categories.errors import IndexRefused, UpdateBusy
from categories.generations import adopt, current, kept, locked, named, point_to, prune, publish, unfinished
from categories.index import CategoryIndex
from categories.update import compile_generation

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    return tmp_path / "state" / "lists"


@pytest.mark.parametrize("text", [None, "", "../../etc\n", "000001-0000000000000000\n", "\0\xff" * 4000])
def test_current_names_nothing_that_can_be_opened(lists: Path, text: str | None) -> None:
    compile_generation((), lists)
    (lists / "current").unlink()
    if text is not None:
        (lists / "current").write_text(text, encoding="latin-1")
    with pytest.raises(IndexRefused) as refusal:
        CategoryIndex.open(current(lists))
    assert "\n" not in str(refusal.value)


def test_the_last_five_generations_are_kept(lists: Path) -> None:
    ids = [compile_generation((), lists).id for _ in range(7)]
    assert sorted(path.name for path in (lists / "generations").iterdir()) == ids[-5:]
    assert len(set(ids)) == 7


def test_two_at_once_are_refused(lists: Path) -> None:
    compile_generation((), lists)
    with (lists / ".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UpdateBusy):
            compile_generation((), lists)
    compile_generation((), lists)


def built(lists: Path, text: bytes) -> Path:
    folder = lists / "generations" / ".unfinished-test"
    folder.mkdir()
    (folder / "meta.json").write_bytes(text)
    return named(lists, folder)


def test_an_adopted_generation_is_read_only_numbered_and_not_yet_in_force(lists: Path) -> None:
    with locked(lists):
        first, second = adopt(lists, built(lists, b"1")), adopt(lists, built(lists, b"2"))
        with pytest.raises(IndexRefused):
            current(lists)
        point_to(lists, second)
        publish(lists)
    assert [path.name[:6] for path in (first, second)] == ["000001", "000002"]
    assert (second / "meta.json").stat().st_mode & 0o777 == 0o400
    assert current(lists) == second


def test_what_is_not_named_is_pruned(lists: Path) -> None:
    with locked(lists):
        folders = [adopt(lists, built(lists, str(number).encode())) for number in range(8)]
    prune(lists, {folders[0].name, folders[5].name})
    assert kept(lists) == [folders[5], folders[0]]


def fail_half_way(folder: Path) -> None:
    with unfinished(folder) as work:
        (work / "half").touch()
        raise ValueError("half-way")


def test_unfinished_work_goes_away_when_it_fails(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="half-way"):
        fail_half_way(tmp_path)
    assert list(tmp_path.iterdir()) == []
