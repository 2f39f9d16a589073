"""What every test has in common."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    import pytest

# A busy machine must not fail a property; a failing one must fail the same way for everybody in CI.
settings.register_profile("breakwater", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("breakwater"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "breakwater")

#: Files that take half a minute or more, the longest first: one that begins last keeps a process busy alone.
LONGEST = (
    "tests/e2e/test_lists.py",
    "tests/e2e/test_commands.py",
    "tests/e2e/test_lifecycle.py",
    "tests/faults/test_faults.py",
    "tests/e2e/test_nothing_lost.py",
    "tests/e2e/test_disk_full.py",
    "tests/e2e/test_changes.py",
    "tests/e2e/test_limits.py",
    "tests/endurance/test_fuzz.py",
    "tests/e2e/test_bad_input.py",
    "tests/faults/test_tasks.py",
    "tests/endurance/test_soak.py",
    "tests/e2e/test_swap_under_load.py",
    "tests/proxy/test_block_page_browser.py",
    "tests/e2e/test_http2_flow.py",
    "tests/e2e/test_crowd.py",
    "tests/e2e/test_handshakes.py",
    "tests/e2e/test_identity.py",
    "tests/endurance/test_list_fuzz.py",
    "tests/e2e/test_long_life.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, then with whatever else runs the product."""
    places = {file: place for place, file in enumerate(LONGEST)}

    def rank(item: pytest.Item) -> int:
        file = item.nodeid.split("::")[0]
        return places.get(file, len(LONGEST) + (not file.startswith("tests/e2e/")))

    items.sort(key=rank)
