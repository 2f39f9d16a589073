from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from categories.change import CHANGE_FILE, Change, Verdicts, to_json
from categories.difference import ListsDifference
from categories.errors import ListRefused
from categories.held import drop, held, hold

if TYPE_CHECKING:
    from pathlib import Path


def made(folder: Path, name: str) -> Path:
    built = folder / "work" / name
    built.mkdir(parents=True)
    change = Change(name, None, datetime(2026, 11, 23, tzinfo=UTC), "ann", ListsDifference(()), Verdicts(), ("why",))
    (built / CHANGE_FILE).write_bytes(to_json(change))
    return built


def test_one_change_waits_at_most_and_the_last_one_counts(tmp_path: Path) -> None:
    assert held(tmp_path) is None
    for name in ("000002-a", "000002-b"):
        hold(tmp_path, made(tmp_path, name))
        waiting = held(tmp_path)
        assert waiting
        assert (waiting.change.generation, waiting.folder.name) == (name, name)
    assert [path.name for path in (tmp_path / "held").iterdir()] == ["000002-b"]
    drop(tmp_path)
    assert held(tmp_path) is None
    drop(tmp_path)


def test_a_damaged_one_is_told_and_can_be_dropped(tmp_path: Path) -> None:
    hold(tmp_path, made(tmp_path, "000002-a"))
    (tmp_path / "held" / "000002-a" / CHANGE_FILE).write_text("{")
    with pytest.raises(ListRefused):
        held(tmp_path)
    drop(tmp_path)
    assert held(tmp_path) is None
