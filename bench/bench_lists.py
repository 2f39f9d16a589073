"""Lists of the size that districts use: compile, open, look up; beside squidGuard and e2guardian in the same run.

    .venv/bin/python -m bench.bench_lists [--sizes 1,5,5+1] [--hosts 100000]

Sizes are millions of domains, and after a "+" of URLs. Memory is that of all processes together (PSS), at its peak; a
worker's is what is its own after it has opened the lists and looked everything up. squidGuard and e2guardian need their
Debian packages, and have the same files (made up, in the shape of UT1's tree). All on loopback.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.list_peers import SquidGuard, e2guardian_start, first_block, has_e2guardian, has_squidguard
from bench.made_up_lists import FOLDERS, Asked, asked, write_tree
from categories.compile import compile_index
from categories.formats import FORMATS
from categories.generations import adopt, current, locked, named, point_to, publish
from categories.index import CategoryIndex
from categories.spool import ListAtHand
from categories.starter import starter_list
from config.load import load
from proxy.state_dir import list_sources
from tests.e2e.network import Network
from tests.e2e.product import PASSWORDS, Product

if TYPE_CHECKING:
    from collections.abc import Sequence

_MILLION = 1_000_000
#: squidGuard has fewer than 100,000 verdicts a second.
_PEER_SHARE = 4
#: Short enough to come through between two pieces of other work on a busy machine.
_ROUND = 1000
_TOKEN = base64.b64encode(f"ana:{PASSWORDS['ana']}".encode()).decode()
_CREDENTIALS = {"Proxy-Authorization": f"Basic {_TOKEN}"}


@dataclass(frozen=True)
class Size:
    domains: int
    urls: int

    @classmethod
    def read(cls, text: str) -> Size:
        domains, _, urls = text.partition("+")
        return cls(int(float(domains) * _MILLION), int(float(urls or 0) * _MILLION))

    def __str__(self) -> str:
        return f"{self.domains / _MILLION:g} M domains" + (f" + {self.urls / _MILLION:g} M URLs" if self.urls else "")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="1,5,5+1")
    parser.add_argument("--hosts", type=int, default=100_000, help="hosts of each sort that are looked up")
    parser.add_argument("--compile", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--domains", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.compile:
        _compile(arguments.compile)
    elif arguments.open:
        print(json.dumps(_opened(arguments.open, asked(arguments.domains, arguments.hosts))))
    else:
        _compare([Size.read(text) for text in arguments.sizes.split(",")], arguments.hosts)


def _compare(sizes: Sequence[Size], hosts: int) -> None:
    cores = len(os.sched_getaffinity(0))
    print(f"{'lists':<26} {'what':<10} compile s  CPU s  peak MiB  index MiB  on {cores} cores")
    largest: dict[Size, list[str]] = {}
    with tempfile.TemporaryDirectory() as name:
        network = Network.create(Path(name))
        try:
            for size in sizes:
                largest[size] = _measure(Path(name) / str(size).replace(" ", "-"), network, size, hosts)
        finally:
            network.close()
    print(f"{'lists':<26} {'what':<10} look-ups a second: hit  sub-domain    miss  sub-domains blocked")
    for rows in largest.values():
        for row in rows:
            print(row)


def _measure(folder: Path, network: Network, size: Size, hosts: int) -> list[str]:
    """Print what a size costs; give the rows about look-ups."""
    folder.mkdir()
    write_tree(folder / "tree", size.domains, size.urls)
    product = _product(folder / "district", network, folder / "tree")
    _print_compiled(size, product)
    opened = _own("--open", product.state, "--domains", size.domains, "--hosts", hosts)
    rows = [_look_ups(size, "Breakwater", opened["rates"], opened["blocked"])]
    if not size.urls:
        rows += _squidguard(folder / "squidguard", size, hosts, folder / "tree")
    print(
        f"{size!s:<26} Breakwater opens its lists in {opened['seconds'] * 1000:.0f} ms; private memory of the process"
    )
    print(f"{'':<26} grows by {opened['private'] / 2**20:.1f} MiB, with {opened['mapped'] / 2**20:.0f} MiB mapped")
    _print_started(folder, size, product)
    return rows


def _product(folder: Path, network: Network, tree: Path) -> Product:
    folder.mkdir()
    product = Product.create(folder, network)
    names = {kind: category for kind, category, _ in FOLDERS}
    product.settings["lists"].append({"name": "large", "format": "ut1", "path": str(tree), "map": names})
    product.write()
    product.done("users", "add", "ana", "--password-stdin", text=PASSWORDS["ana"] + "\n")
    return product


def _print_compiled(size: Size, product: Product) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began, peak = time.perf_counter(), 0
    with subprocess.Popen([*_SELF, "--compile", product.config]) as process:
        while process.poll() is None:
            peak = max(peak, _pss(process.pid))
            time.sleep(0.25)  # reading it costs the process it is read of
    took = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert process.returncode == 0
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    index = sum(path.stat().st_size for path in current(product.state / "lists").iterdir())
    print(f"{size!s:<26} {'Breakwater':<10} {took:9.1f} {cpu:6.1f} {peak / 2**20:9.0f} {index / 2**20:10.0f}")


_SELF = (sys.executable, "-m", "bench.bench_lists")


def _own(*arguments: object) -> dict[str, Any]:
    """What this file says of itself in a process of its own."""
    done = subprocess.run([*_SELF, *map(str, arguments)], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _compile(config: Path) -> None:
    """What `lists compile` does, without what comes before and after."""
    settings = load(config)
    lists_dir = Path(settings.state_dir) / "lists"
    with locked(lists_dir):
        lists = [starter_list()]
        for source in list_sources(settings):
            assert source.path
            lists.append(ListAtHand(source, source.path, FORMATS[source.format](source, source.path, lists_dir)))
        built = lists_dir / "built"
        built.mkdir()
        compile_index(lists, built, lambda *_: None)
        folder = adopt(lists_dir, named(lists_dir, built))
        point_to(lists_dir, folder)
        publish(lists_dir)


def _opened(state: Path, hosts: Asked) -> dict[str, Any]:
    """What it takes a process to open the lists, and how many hosts it looks up in a second."""
    before = _memory(os.getpid(), "Private_Dirty:")
    began = time.perf_counter()
    index = CategoryIndex.open(current(state / "lists"))
    index.lookup("example.test")
    seconds = time.perf_counter() - began
    rates, blocked = zip(*(_rate(index, each) for each in (hosts.hit, hosts.sub_domain, hosts.miss)), strict=True)
    private = _memory(os.getpid(), "Private_Dirty:") - before
    mapped = sum(path.stat().st_size for path in current(state / "lists").iterdir())
    return {"seconds": seconds, "private": private, "mapped": mapped, "rates": rates, "blocked": blocked}


def _rate(index: CategoryIndex, hosts: Sequence[str]) -> tuple[float, float]:
    """The best of rounds of 1,000 hosts, no host twice, and the share of all that an entry covers."""
    rates, found = [], 0
    for some in batched(hosts, _ROUND):
        began = time.perf_counter()
        found += sum(1 for host in some if index.lookup(host))
        rates.append(len(some) / (time.perf_counter() - began))
    return max(rates), found / len(hosts)


def _squidguard(folder: Path, size: Size, hosts: int, tree: Path) -> list[str]:
    if not has_squidguard():
        print(f"{size!s:<26} squidGuard is missing (Debian's squidguard), so it is not measured")
        return []
    folder.mkdir()
    squidguard = SquidGuard.of(folder, tree)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = squidguard.compile()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{size!s:<26} {'squidGuard':<10} {took:9.1f} {cpu:6.1f} {'':9} {squidguard.size() / 2**20:10.0f}")
    some = asked(size.domains, hosts // _PEER_SHARE)
    found = [squidguard.rate(each) for each in (some.hit, some.sub_domain, some.miss)]
    return [_look_ups(size, "squidGuard", [rate for rate, _ in found], [share for _, share in found])]


def _look_ups(size: Size, what: str, rates: Sequence[float], blocked: Sequence[float]) -> str:
    hit, sub_domain, miss = rates
    wrong = "" if blocked[1] == 1 else f"; {(1 - blocked[1]) * 100:.2f} % wrongly permitted"
    figures = f"{hit:23,.0f} {sub_domain:11,.0f} {miss:7,.0f}  {blocked[1] * 100:.2f} %{wrong}"
    return f"{size!s:<26} {what:<10} {figures}"


def _print_started(folder: Path, size: Size, product: Product) -> None:
    began = time.perf_counter()
    try:
        product.start()
        ours = first_block(product.port, began, _CREDENTIALS)
        product.stop()
    finally:
        product.kill()
    theirs = "e2guardian is missing (Debian's e2guardian)"
    if has_e2guardian():
        theirs = f"e2guardian {e2guardian_start(folder / 'e2guardian', folder / 'tree'):.1f} s"
    print(f"{size!s:<26} from the start to the first block: Breakwater {ours:.1f} s, {theirs}")


def _pss(pid: int) -> int:
    """Bytes of a process and its children, each page counted once."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return 0
    return sum(_memory(each, "Pss:") for each in (pid, *map(int, children)))


def _memory(pid: int, what: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


if __name__ == "__main__":
    main()
