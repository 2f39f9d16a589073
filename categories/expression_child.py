"""A process of its own that compiles expressions, so that none of them can take the compiler of the lists with it.

    python -P -m categories.expression_child check|build     patterns as a JSON array on standard input

The engine's compiler is large, and some expressions of a hundred characters keep it busy for hours. `check` answers
each pattern with one line of JSON, null or why it is refused; the line of one that is over its limit never comes,
because the kernel ended this process. `build` writes them all, compiled.
"""

from __future__ import annotations

import json
import math
import resource
import sys
import time
from typing import TYPE_CHECKING

from categories.expression_engine import EngineRefused, Matcher
from categories.ordinary_addresses import MATCHED_CAP, ORDINARY

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Seconds of a CPU for one expression (they take 2 ms on average), for checking all, and for compiling all at once.
ONE_SECONDS = 2
CHECK_SECONDS = 120
BUILD_SECONDS = 300
#: Bytes of memory.
MEMORY_CAP = 2 * 1024**3


def check(patterns: Sequence[str]) -> None:
    """Say for each pattern, in order, whether it can be used."""
    print("ready", flush=True)  # noqa: T201
    for pattern in patterns:
        _allow(ONE_SECONDS, CHECK_SECONDS)
        print(json.dumps(_problem(pattern)), flush=True)  # noqa: T201


def build(patterns: Sequence[str]) -> None:
    """Write the compiled patterns."""
    _allow(BUILD_SECONDS, BUILD_SECONDS)
    sys.stdout.buffer.write(Matcher.compile(patterns).dump())


def _problem(pattern: str) -> str | None:
    try:
        matcher = Matcher.compile([pattern])
    except EngineRefused as refusal:
        return f"the engine refuses it: {refusal}"
    matched = sum(bool(matcher.ends(address.encode())) for address in ORDINARY)
    if matched > MATCHED_CAP:
        return f"matches {matched} of {len(ORDINARY)} ordinary addresses"
    return None


def _allow(seconds: int, altogether: int) -> None:
    used = math.ceil(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (min(used + seconds, altogether), resource.RLIM_INFINITY))


def main(action: str) -> None:
    """Do what the command line says."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_CAP, MEMORY_CAP))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    patterns = json.load(sys.stdin)
    {"check": check, "build": build}[action](patterns)


if __name__ == "__main__":
    main(sys.argv[1])
