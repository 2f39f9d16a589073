"""`doctor` on the word of the running filter: run/status.json, which is worth something while it is new.

Whether a filter runs is told by the lock that it holds, not by that file: it outlives a stop, and a full disk keeps
it as it was.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from proxy.finding import Finding, Level

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.doctor_subject import Subject

#: The supervisor writes at least every five seconds.
_SILENCE = timedelta(seconds=15)
_STATUS_CAP = 16 * 1024 * 1024

#: What to do where nothing runs.
START = "start the filter: breakwater run"

#: What to do where a filter runs and does not answer.
LOOK = "a filter runs (or starts, or stops): see what it prints"


def last_word(subject: Subject) -> dict[str, Any] | None:
    """What the running supervisor wrote, where that is not too long ago. Raises ValueError when it is broken."""
    spoken = _spoken(subject.state_dir)
    if not subject.runs or spoken is None or subject.now - spoken > _SILENCE:
        return None
    with _path(subject.state_dir).open("rb") as file:
        status = json.loads(file.read(_STATUS_CAP))
    if not isinstance(status, dict):
        raise ValueError("run/status.json is not an object")
    return status


def no_word(subject: Subject, name: str) -> Finding:
    """What is to be said of `name` where there is no `last_word`: nothing runs, or what runs cannot say how it is."""
    if not subject.runs:
        return Finding(name, Level.WARN, "not known: the filter does not run", START)
    spoken = _spoken(subject.state_dir)
    since = f"since {spoken:%Y-%m-%d %H:%M:%S} UTC" if spoken else "yet"
    what = f"not known: the filter runs, and has not written how it is {since}"
    todo = f"make room for {_path(subject.state_dir)} where the disk is full; else see what the filter prints"
    return Finding(name, Level.RED, what, todo)


def _path(state_dir: Path) -> Path:
    return state_dir / "run" / "status.json"


def _spoken(state_dir: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(_path(state_dir).stat().st_mtime, UTC)
    except FileNotFoundError:
        return None
