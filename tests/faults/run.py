"""`breakwater`, with workers that have faults, and with little patience. Only for tests/faults.

A worker starts as a fork that is never replaced by another program: it has a process of its own, which the supervisor
kills as any other, but all that it imports is there already. Hundreds of them are killed by one test. A fork of a
process with threads may find a lock taken that nobody gives back, so this supervisor has none.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import breakwater
from categories.starter import starter_passthrough
from config.rewritten_hosts import search_hosts, tenant_hosts
from proxy import child, supervisor
from proxy.pages.catalogue import LANGUAGES, catalogue
from proxy.pages.templates import environment
from tests.faults import worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HIGHEST = 4096  # descriptors that the supervisor may have open


def become(command: tuple[str, ...], inherited: Iterable[int]) -> None:
    """Be the worker, in the place of the program that would be started here. Runs between fork and exec."""
    gc.freeze()  # what is the supervisor's must not be collected here, and close descriptors that are ours by then
    kept = sorted({0, 1, 2, *inherited})
    for below, above in pairwise([*kept, HIGHEST]):
        os.closerange(below + 1, above)
    asyncio.to_thread = TO_THREAD
    sys.argv = list(command[3:])
    code = 70
    try:
        code = worker.main()
    finally:
        sys.stderr.flush()
        os._exit(code)


async def start(*command: str, pass_fds: Iterable[int] = (), **named: Any) -> asyncio.subprocess.Process:
    """What create_subprocess_exec does, with a fork for a worker."""
    if supervisor.WORKER in command:
        if threading.active_count() > 1:
            raise RuntimeError(f"a fork beside threads: {threading.enumerate()}")
        named["preexec_fn"] = partial(become, command, pass_fds)
    return await START(*command, pass_fds=pass_fds, **named)


async def at_once(step: Callable[..., Any], *values: Any) -> Any:
    """What asyncio.to_thread does, without the thread. Only in the supervisor."""
    return step(*values)


def read_ahead() -> None:
    """Read once what every worker reads of the package at its start: hundreds are forked of this process."""
    for language in LANGUAGES:
        catalogue(language)
    for name in environment().list_templates(extensions=["html"]):
        environment().get_template(name)
    search_hosts()
    tenant_hosts()
    starter_passthrough()


read_ahead()
START = asyncio.create_subprocess_exec
TO_THREAD = asyncio.to_thread
asyncio.to_thread = at_once
asyncio.create_subprocess_exec = start  # type: ignore[assignment]
supervisor.WORKER = "tests.faults.worker"
supervisor.SILENCE_SECONDS = float(os.environ["BREAKWATER_PATIENCE"])
child._FIRST_WAIT = child._LONGEST_WAIT = 0.05  # a worker that was killed is wanted again at once

if __name__ == "__main__":
    sys.exit(breakwater.main())
