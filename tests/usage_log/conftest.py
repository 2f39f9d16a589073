"""What several files about the usage log need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    """A list for processes that a test starts: they are ended with it."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()
