"""Work of a command beside a running filter: it takes the CPU that the workers leave."""

from __future__ import annotations

import os

#: The lowest: some 1.5 % of the CPU where a worker wants it too. Linux derives the priority of its reading from it.
_NICE = 19


def yield_to_workers() -> None:
    """Lower the priority of this process for the rest of its life; an even lower one stays as it is."""
    os.nice(max(0, _NICE - os.nice(0)))
