"""Bytes of strangers into everything that reads lists: no crash, no hang, bounded memory and disk.

    .venv/bin/python -m tests.endurance.list_fuzz [--minutes 10] [--run NUMBER] [--opening NAME [--case NUMBER]]

Each opening has a process of its own and its share of the time, 60 seconds of ten minutes. A finding is printed with
its opening, run and case; `--run R --opening NAME --case N` reads the same bytes again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from categories.errors import ListRefused
from tests.endurance.list_openings import LEFT, left, openings, proofs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from tests.endurance.list_openings import ListOpening

ROOT = Path(__file__).parents[2]
#: What one case may take: seconds of the processor, and in all (C code cannot be interrupted).
CASE_SECONDS = 5.0
PATIENCE = 180.0
ENOUGH = 5  # findings of one opening
MANY = 2**31  # cases of one opening
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # files come and go many times a second
SHARE = 6.0  # seconds of an opening for each of the minutes


@dataclass
class Findings:
    """What went wrong in one opening, and how much was tried, and refused."""

    opening: str
    cases: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)


class Hung(Exception):
    """A case took too long. No ListRefused and no OSError, which the product may catch."""


def tried(opening: ListOpening, name: str, run: int, numbers: Iterator[int], seconds: float, folder: Path) -> Findings:
    """Read case after case until the time is up. `folder` is empty, and is told which case is at work."""
    findings, end = Findings(name), time.monotonic() + seconds
    (folder / "scratch").mkdir()
    at_work = os.open(folder / "case", os.O_WRONLY | os.O_CREAT)
    for number in numbers:
        if time.monotonic() > end and findings.cases:
            break
        os.pwrite(at_work, f"{number:12}".encode(), 0)
        findings.cases += 1
        wrong = _case(opening, run, number, folder, findings)
        if wrong:
            findings.wrong.append(f"{wrong}\n  list fuzz: {name}, run {run}, case {number}")
        if len(findings.wrong) >= ENOUGH:
            break
    return findings


def _case(opening: ListOpening, run: int, number: int, folder: Path, findings: Findings) -> str | None:
    """Read one case; say what is wrong."""
    at, scratch = folder / "list", folder / "scratch"
    at.write_bytes(opening.bytes_of(run, number))
    try:
        with _in_time():
            opening.read(at, scratch)
    except ListRefused as refusal:
        findings.refused += 1
        if "\n" in str(refusal):
            return f"MESSAGE: of several lines: {str(refusal)!a}"
    except Hung:
        return f"HANG: over {CASE_SECONDS:g} s"
    except MemoryError:
        return f"MEMORY: over {opening.memory // 2**20} MiB"
    except Exception:
        return f"CRASH: {traceback.format_exc()}"
    return _left_behind(folder, scratch)


def _left_behind(folder: Path, scratch: Path) -> str | None:
    """Clear up, and say where more was written than may be."""
    if outside := {path.name for path in folder.iterdir()} - {"case", "list", "scratch"}:
        return f"OUTSIDE: {outside} was written"
    if not any(scratch.iterdir()):
        return None
    bytes_left = left(scratch)
    shutil.rmtree(scratch)
    scratch.mkdir()
    return f"DISK: {bytes_left} bytes were left" if bytes_left > LEFT else None


@contextmanager
def _in_time() -> Iterator[None]:
    """Raise Hung when the processor's time is up; it counts what this process works, not what others do."""

    def ended(_: int, __: FrameType | None) -> None:
        raise Hung

    before = signal.signal(signal.SIGPROF, ended)
    signal.setitimer(signal.ITIMER_PROF, CASE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def fuzz_opening(name: str, run: int, seconds: float, cases: int = MANY, patience: float = PATIENCE) -> Findings:
    """Try one opening in a process of its own for so long, or so many cases, and watch that process."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        command = [sys.executable, "-m", "tests.endurance.list_fuzz", "--run", str(run), "--opening", name]
        command += ["--seconds", str(seconds), "--cases", str(cases), "--folder", folder]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
            watched = _watched(child, Path(folder) / "case", patience)
            said = child.communicate()[0]
        if watched or child.returncode:
            how = watched or f"CRASH: the process ended with {child.returncode}"
            case = _case_at_work(Path(folder) / "case")
            return Findings(name, wrong=[f"{how}\n  list fuzz: {name}, run {run}, case {case}"])
    return Findings(**json.loads(said))


def _watched(child: subprocess.Popen[str], case: Path, patience: float) -> str | None:
    """Wait for the child; end it, and say so, when one case takes longer than `patience`."""
    seen, since = "", time.monotonic()
    while True:
        try:
            child.wait(0.5)
        except subprocess.TimeoutExpired:
            if (now := _case_at_work(case)) != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > patience:
                child.kill()
                return f"HANG: over {patience:g} s, and not to be interrupted"
        else:
            return None


def _case_at_work(case: Path) -> str:
    return case.read_text().strip() if case.exists() else "none"


def fuzz_lists(run: int, seconds: float, cases: int = MANY) -> list[Findings]:
    """Try every opening for so long, or so many cases, as many at a time as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda name: fuzz_opening(name, run, seconds, cases), openings()))


def _child(name: str, run: int, seconds: float, cases: int, folder: Path) -> None:
    """Be the process of one opening: with bounded memory, and findings as JSON on standard output."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    opening = {**openings(), **proofs()}[name]
    room = pages * os.sysconf("SC_PAGE_SIZE") + opening.memory
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    findings = tried(opening, name, run, iter(range(cases)), seconds, folder)
    print(json.dumps(asdict(findings)))


def _again(name: str, run: int, case: int) -> int:
    """Read one case again, in this process, and say what comes of it."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        findings = tried(openings()[name], name, run, iter([case]), 0, Path(folder))
    print(f"{name}, run {run}, case {case}: refused" if findings.refused else f"{name}, run {run}, case {case}: read")
    print("\n".join(findings.wrong))
    return 1 if findings.wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="list_fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--run", type=int, default=random.randrange(10**9))
    parser.add_argument("--opening")
    parser.add_argument("--case", type=int)
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--cases", type=int, default=MANY, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    said = parser.parse_args()
    seconds = said.seconds if said.seconds is not None else said.minutes * SHARE
    if said.folder:
        _child(said.opening, said.run, seconds, said.cases, said.folder)
        return 0
    if said.case is not None:
        return _again(said.opening, said.run, said.case)
    print(f"lists: run {said.run}, {seconds:g} seconds for each opening", flush=True)
    found = [fuzz_opening(said.opening, said.run, seconds)] if said.opening else fuzz_lists(said.run, seconds)
    for each in found:
        print(f"{each.cases:8d}  {each.opening}, {each.refused} of them refused")
    wrong = [line for each in found for line in each.wrong]
    print("\n".join(wrong) or "nothing found")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
