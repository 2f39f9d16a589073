"""URL expressions: compiling them, what an address costs, and what a worker's memory grows by.

    .venv/bin/python -m bench.bench_expressions [500 5000]

Expressions and addresses are made up, in the shape of UT1's and squidGuard's own: words in alternation, between signs
or anchors, some with repeats. Each count is measured in a process of its own, after the same lists without expressions.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from categories.address import parse
from categories.index import CategoryIndex
from categories.sources import ListSource
from categories.update import compile_generation

ADDRESSES = 20_000


def main() -> None:
    counts = sys.argv[1:] or ["0", "500", "5000"]
    if counts[0] == "one":
        measure(int(counts[1]))
        return
    titles = ("expressions", "compile s", "open ms", "us/address", "us, 8 KB", "hits", "private MB")
    print("".join(f"{title:>12}" for title in titles))
    for count in counts:
        subprocess.run([sys.executable, "-m", "bench.bench_expressions", "one", count], check=True)


def measure(count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, seconds = _compiled(Path(name), count)
        addresses = [parse(url) for url in _urls(random.Random(9))]
        begun_at = _private_mb()
        begun = time.perf_counter()
        index = CategoryIndex.open(folder)
        index.lookup("first.test", "/", "")
        opened = time.perf_counter() - begun
        each, hits = _best(index, addresses)
        long = [parse(f"http://a.test/{'/'.join(_word(random.Random(i)) for i in range(900))}")] * 200
        longest, _ = _best(index, long)
        grown = _private_mb() - begun_at
    figures = (
        f"{count:,}",
        *(f"{value:.1f}" for value in (seconds, opened * 1e3, each, longest)),
        hits,
        f"{grown:.1f}",
    )
    print("".join(f"{figure:>12}" for figure in figures))


def _compiled(folder: Path, count: int) -> tuple[Path, float]:
    tree = folder / "ut1" / "games"
    tree.mkdir(parents=True)
    made = random.Random(5)
    (tree / "domains").write_text("\n".join(f"d{number}.made-up-{number % 997}.test" for number in range(100_000)))
    (tree / "expressions").write_text("\n".join(_expression(made) for _ in range(count)))
    source = ListSource("ut1", "ut1", path=tree.parent, map={"games": "games"}, expressions=True)
    begun = time.perf_counter()
    generation = compile_generation((source,), folder / "lists")
    return generation.folder, time.perf_counter() - begun


def _best(index: CategoryIndex, addresses: list) -> tuple[float, int]:
    """Microseconds of CPU of one look-up, the best of five passes, and how many addresses were covered."""
    times, hits = [], 0
    for _ in range(5):
        hits, begun = 0, time.process_time()
        for address in addresses:
            hits += bool(index.lookup(address.host, address.path, address.query))
        times.append((time.process_time() - begun) / len(addresses) * 1e6)
    return min(times), hits


def _word(made: random.Random) -> str:
    return "".join(made.choice("abcdefghijklmnoprstuvw") for _ in range(made.randint(4, 9)))


def _expression(made: random.Random) -> str:
    words = [_word(made) for _ in range(made.randint(4, 25))]
    some, many = "|".join(words[:4]), "|".join(words)
    kinds = (
        f"({many})",
        rf"(^|[-\?+=/_])({some})?({many})s?([-\?+=/_]|$)",
        rf"{words[0]}[0-9]{{1,3}}\.{words[1]}",
        rf"^(www\.)?{words[0]}[^/]*\.({words[1]}|{words[2]})/",
        f"/{words[0]}/.*{words[1]}",
        f"[.-]{words[0]}(s|es)?[.-]",
    )
    return made.choice(kinds)


def _urls(made: random.Random) -> list[str]:
    return [
        f"http://www.{_word(made)}.{_word(made)}.test/{_word(made)}/{_word(made)}-{_word(made)}/{_word(made)}.html"
        f"?{_word(made)}={made.randrange(10**6)}&{_word(made)}={_word(made)}"
        for _ in range(ADDRESSES)
    ]


def _private_mb() -> float:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty:", "Private_Clean:"))) / 1000


if __name__ == "__main__":
    main()
