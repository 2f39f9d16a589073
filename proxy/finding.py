"""What `doctor` says about one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is. Only `red` makes `doctor` end with 1."""

    OK = "ok"
    WARN = "warn"  # will become red, or is worth knowing
    RED = "red"  # something does not protect as it should


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` and `todo` are one line each; `todo` is empty where nothing is to be done."""

    name: str
    level: Level
    what: str
    todo: str = ""
