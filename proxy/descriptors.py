"""How many file descriptors a worker may have open, and how that is kept.

The kernel gives out the lowest free number (POSIX, "File Descriptor Allocation"), so a connection whose number is below
a ceiling means that fewer than that many are open: no counting, and nothing that could count wrong.
"""

from __future__ import annotations

import resource

#: The share of the limit that connections may take, clients and origins together (reference/engine.md, item 11).
_SHARE = 0.9

#: Kept free in any case: 64 look-ups of names, the segments of the spool, lists and settings as they are read.
_KEPT = 96


def raised() -> int:
    """Raise this process's soft limit as far as allowed, and give it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def ceiling(limit: int) -> int:
    """Give the descriptor number from which on a connection is refused, for a limit of `limit`."""
    return max(min(int(limit * _SHARE), limit - _KEPT), limit // 2)


def room_for_clients(limit: int) -> int:
    """Give how many clients may be connected: each may need a second connection, to its origin."""
    return ceiling(limit) // 2
