"""The change that waits for a person, one at most: `lists/held/<id>/`, with index, downloads and `change.json`."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from categories.change import change_of
from categories.generations import settle

if TYPE_CHECKING:
    from pathlib import Path

    from categories.change import Change

_FOLDER = "held"


@dataclass(frozen=True, slots=True)
class Held:
    """A held change and where it lies."""

    folder: Path
    change: Change


def hold(lists_dir: Path, built: Path) -> None:
    """Put a whole generation with its change aside, safe on the disk, in the place of one that was held before."""
    settle(built)
    folder = lists_dir / _FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    drop(lists_dir)
    built.rename(folder / built.name)


def held(lists_dir: Path) -> Held | None:
    """The change that waits, if one does. Raises ListRefused where it is damaged."""
    for folder in _folders(lists_dir):
        return Held(folder, change_of(folder))
    return None


def drop(lists_dir: Path) -> None:
    """Forget the change that waits."""
    for folder in _folders(lists_dir):
        shutil.rmtree(folder)


def _folders(lists_dir: Path) -> list[Path]:
    folder = lists_dir / _FOLDER
    return sorted(folder.iterdir()) if folder.is_dir() else []
