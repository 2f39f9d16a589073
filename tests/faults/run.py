"""`breakwater`, with workers that have faults, and with little patience. Only for tests/faults."""

from __future__ import annotations

import os
import sys

import breakwater
from proxy import child, supervisor

supervisor.WORKER = "tests.faults.worker"
supervisor.SILENCE_SECONDS = float(os.environ["BREAKWATER_PATIENCE"])
child._FIRST_WAIT = child._LONGEST_WAIT = 0.05  # a worker that was killed is wanted again at once

if __name__ == "__main__":
    sys.exit(breakwater.main())
