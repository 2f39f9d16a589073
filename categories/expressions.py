"""Expressions of lists: checked one by one and compiled outside this process, then matched all at once.

What they are matched against is what squidGuard matches: host, path and query in lower case, without scheme, user and
port ("www.example.com/a/b?c=d"), as it is written and with its percent-encoding undone. Where only the host is known,
an expression counts if it matches within "host/", whatever may follow: one that needs a path or the end never does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from categories.errors import IndexRefused, ListRefused
from categories.paths import path_readings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from categories.expression_engine import Matcher

#: Most expressions of one file: 5,000 take 20 s and 230 MB to compile. And most of them that a process may die of.
EXPRESSIONS_CAP = 10_000
DEATHS_CAP = 5
#: How long a process that compiles may take altogether, in seconds; its own limits are of CPU time and tighter.
_CHILD_SECONDS = 1800
_UNKNOWN_PATH = b"\0"


def checked(patterns: Sequence[str]) -> list[str | None]:
    """Why each pattern cannot be used, or None where it can. Raises ListRefused where nothing can be checked."""
    answers: list[str | None] = []
    deaths = 0
    while len(answers) < len(patterns):
        done = _child("check", patterns[len(answers) :])
        ready, *lines = done.stdout.decode().split("\n")
        if ready != "ready":
            raise ListRefused(f"expressions cannot be compiled here: {_last_line(done.stderr)}")
        answers += [json.loads(line) for line in lines[:-1]]
        if len(answers) < len(patterns):  # ended by the limit, or crashed, at the next one
            answers.append("takes the engine too long, or too much memory, to compile")
            deaths += 1
        if deaths > DEATHS_CAP:
            raise ListRefused(f"more than {DEATHS_CAP} expressions take the engine too long to compile")
    return answers


def built(patterns: Sequence[str]) -> bytes:
    """The patterns, each of them checked, compiled together. Raises ListRefused."""
    done = _child("build", patterns)
    if done.returncode:
        raise ListRefused(f"{len(patterns)} expressions cannot be compiled together: {_last_line(done.stderr)}")
    return done.stdout


def _child(action: str, patterns: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    command = (sys.executable, "-P", "-m", "categories.expression_child", action)
    text = json.dumps(patterns).encode()
    try:
        return subprocess.run(command, input=text, capture_output=True, check=False, timeout=_CHILD_SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise ListRefused(f"expressions take over {_CHILD_SECONDS} s to compile") from None


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "over its limits"


def matcher_of(data: bytes, patterns: Callable[[], Sequence[str]]) -> Matcher:
    """The matcher that `built` made, made again where another version of the engine or another CPU made it.

    Raises IndexRefused where that does not help.
    """
    from categories.expression_engine import EngineRefused, Matcher  # only where a list has expressions

    try:
        return Matcher.load(data)
    except EngineRefused:
        try:
            return Matcher.compile(patterns())
        except EngineRefused as refusal:
            raise IndexRefused(f"the engine refuses expressions that were compiled before: {refusal}") from refusal


def matching(matcher: Matcher, host: str, path: str, query: str) -> set[int]:
    """Numbers of the expressions that cover a canonical address. `path` is empty where it is not known."""
    name = f"[{host}]" if ":" in host else host
    if not path:
        known = f"{name}/".encode()
        return {number for number, end in matcher.ends(known + _UNKNOWN_PATH).items() if end <= len(known)}
    first, *others = texts_of(name, path, query)
    return set(matcher.ends(first)).union(*(matcher.ends(text) for text in others))


def texts_of(name: str, path: str, query: str) -> list[bytes]:
    """What expressions are matched against: every reading of the path, as written and decoded."""
    tail = f"?{query}" if query else ""
    written = [f"{name}{reading}{tail}".lower().encode() for reading in path_readings(path)]
    if len(written) == 1 and b"%" not in written[0]:
        return written
    return list(dict.fromkeys(text for each in written for text in (each, unquote_to_bytes(each).lower())))
