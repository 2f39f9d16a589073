"""When a worker has done its share and asks to be replaced: whatever may leak in it does not leak for ever."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.proxy_settings import Limits

#: A worker is not replaced for its memory before it has lived this long, in seconds: where the lists alone are over the
#: mark, replacing could not help and must not go round and round.
_FIRST_LOOK = 600.0

#: A worker that has been replaced is drained as at a stop when it is still there after this long, in seconds. What is
#: silent ends by `tunnel_idle_seconds`; this bounds what is not. It is an hour because a call or a large download may
#: well take most of one, and because until then the place holds the memory of two workers.
RETIRED_SECONDS = 3600.0


def spent(limits: Limits, taken: int, memory: int, age: float) -> bool:
    """Say whether a worker asks to be replaced.

    `taken` are the connections that it has accepted, `memory` its private bytes, `age` its seconds.
    """
    by_work = limits.recycle_connections and taken >= limits.recycle_connections
    by_memory = limits.recycle_bytes and memory >= limits.recycle_bytes and age >= _FIRST_LOOK
    return bool(by_work or by_memory)


def private_memory() -> int:
    """Read the bytes that this process holds for itself: the compiled lists are mapped, and shared by all workers."""
    _, resident, shared, *_ = Path("/proc/self/statm").read_text().split()
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
