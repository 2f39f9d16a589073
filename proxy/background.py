"""Work of a command beside a running filter: it takes the CPU that the workers leave."""

from __future__ import annotations

import os

#: A tenth of a worker's share where both want the CPU. Linux derives the priority of reads and writes from it.
_NICE = 10


def yield_to_workers() -> None:
    """Lower the priority of this process for the rest of its life; an even lower one stays as it is."""
    os.nice(max(0, _NICE - os.nice(0)))
