"""A small sound district, and what the loader says about a file that is not."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from config.load import loads
from config.problems import Problem, SettingsRefused

if TYPE_CHECKING:
    from config.settings import Settings

TODAY = date(2026, 11, 22)
BASE = Path("/etc/breakwater")
SOUND = """district: {name: Example Unified}
retention: {records: third-july-1, evidence: 10y, cases: 90d}
starter_only: true
"""
#: Who answers for an exception.
APPROVED = "owner: ITS, reason: payroll, since: 2026-11-01"


def settings(more: str = "", start: str = SOUND) -> Settings:
    return loads(start + more, "district.yaml", BASE, TODAY)


def refused(more: str, start: str = SOUND) -> tuple[Problem, ...]:
    with pytest.raises(SettingsRefused) as caught:
        settings(more, start)
    assert str(caught.value).splitlines() == [str(problem) for problem in caught.value.problems]
    return caught.value.problems


def marked_line(text: str) -> int:
    """The line that carries the mark `# <-`."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if line.endswith("# <-"))


def check_refused(more: str, key: str, why: str, start: str = SOUND) -> None:
    """One problem names the marked line, the key and why; no problem repeats a secret."""
    problems = refused(more, start)
    line = marked_line(start + more)
    places = [(p.line, p.key, p.message) for p in problems]
    assert any(at == line and key in name and why in said for at, name, said in places), places
    assert not any("geheim" in str(problem) for problem in problems)
