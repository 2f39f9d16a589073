from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("before", "after"), [(0, 19), (4, 19), (19, 19)])
def test_a_command_takes_what_the_workers_leave(before, after):
    code = (
        "import os; from proxy.background import yield_to_workers; "
        f"os.setpriority(os.PRIO_PROCESS, 0, {before}); yield_to_workers(); print(os.nice(0))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(said.stdout) == after
