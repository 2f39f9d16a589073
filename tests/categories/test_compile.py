from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from categories import blocks
from categories import compile as compile_module
from categories.act import Act
from categories.compile import SHARDS_FILE, compile_index
from categories.errors import FloorRefused, ListRefused
from categories.formats import FORMATS
from categories.index import CategoryIndex
from categories.meta import META_FILE, digest_of
from categories.sources import ListSource
from categories.sources import digest_of as digest_of_sources
from categories.spool import ListAtHand
from categories.update import compile_generation, current
from tests.categories.archives import tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from categories.meta import IndexMeta


def at_hand(path: Path, text: str, name: str, category: str = "games") -> ListAtHand:
    path.write_text(text)
    source = ListSource(name, "domains", path=path, category=category)
    return ListAtHand(source, path, FORMATS["domains"](source, path, path.parent))


def built(lists: Sequence[ListAtHand], folder: Path, processes: int | None = None) -> tuple[IndexMeta, Path]:
    folder.mkdir()
    meta = compile_index(lists, folder, lambda *_: None, processes)
    return meta, folder.rename(folder.parent / f"{folder.name}-{digest_of((folder / META_FILE).read_bytes())}")


def test_entries_are_distinct_in_the_order_of_lists_with_the_first_line(tmp_path: Path) -> None:
    lists = (
        at_hand(tmp_path / "one", "b.test\na.test\nA.test.\n", "one"),
        at_hand(tmp_path / "two", "\n\na.test\n", "two"),
    )
    meta, folder = built(lists, tmp_path / "built")
    assert [(summary.name, summary.entries) for summary in meta.lists] == [("one", 2), ("two", 1)]
    assert meta.sources == digest_of_sources(item.source for item in lists)
    assert sorted(path.name for path in folder.iterdir()) == sorted([META_FILE, SHARDS_FILE])
    assert [(entry.list, entry.line) for entry in CategoryIndex.open(folder).lookup("a.test")] == [
        ("one", 2),
        ("two", 3),
    ]


def large(folder: Path) -> list[ListAtHand]:
    """Lists with what is hard about order: entries twice in one file, in several, rejected lines, several parts."""
    domains = [f"d{number % 700}.made-up-{number % 37}.test" for number in range(2000)]
    ut1 = tree(
        folder / "ut1",
        {
            "games/domains": "\n".join([*domains, "*", "co.uk", *domains[::3]]),
            "games/urls": "\n".join(f"www.{domain}/a{number % 11}/" for number, domain in enumerate(domains)),
            "adult/domains": "\n".join([*domains[500:900], "192.0.2.1", "2001:db8::1", "http://scheme.test"]),
        },
    )
    source = ListSource("ut1", "ut1", path=ut1, map={"games": "games", "adult": "pornography"})
    rpz = folder / "rpz"
    rpz.write_text("$TTL 60\n@ SOA a b (\n 1 2 3 4 5 )\n" + "".join(f"*.{name} CNAME .\n" for name in domains[:50]))
    zone = ListSource("rpz", "rpz", path=rpz, category="ads")
    return [
        ListAtHand(source, ut1, FORMATS["ut1"](source, ut1, folder)),
        ListAtHand(zone, rpz, FORMATS["rpz"](zone, rpz, folder)),
        at_hand(folder / "mine", "\n".join(domains[::-1]), "mine"),
    ]


def test_several_processes_make_what_one_makes_to_the_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lists = large(tmp_path)
    alone, one = built(lists, tmp_path / "alone", 0)
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    for number, processes in enumerate((0, 1, 3, 3)):
        meta, other = built(lists, tmp_path / f"other{number}", processes)
        assert (meta.files, meta.shards, meta.classes) == (alone.files, alone.shards, alone.classes)
        assert meta.lists == alone.lists
        assert (one / SHARDS_FILE).read_bytes() == (other / SHARDS_FILE).read_bytes()
        assert "rows" not in {path.name for path in other.iterdir()}
    assert alone.lists[0].rejected == 3
    assert alone.lists[0].examples[0] == "games/domains:2001: wildcard"


def test_a_large_list_is_compiled_by_a_process_for_each_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def pool(processes: int) -> object:
        asked.append(processes)
        return real(0)

    real = compile_module.pool
    monkeypatch.setattr(compile_module, "pool", pool)
    monkeypatch.setattr(compile_module, "cores", lambda: 7)
    built([at_hand(tmp_path / "small", "a.test\n", "small")], tmp_path / "one")
    monkeypatch.setattr(compile_module, "SMALL", 1)
    built([at_hand(tmp_path / "large", "a.test\n", "large")], tmp_path / "two")
    assert asked == [0, 7]


@pytest.mark.parametrize("processes", [0, 2])
def test_a_refused_list_is_refused_by_every_number_of_processes(tmp_path: Path, processes: int) -> None:
    item = at_hand(tmp_path / "mine", "*\n" * 100, "mine", "obscene")
    with pytest.raises(FloorRefused, match=r"list mine: 100 of 100 lines are no entries, as mine:1: wildcard.*obscene"):
        built([item], tmp_path / "built", processes)
    gone = at_hand(tmp_path / "gone", "a.test\n", "gone")
    (tmp_path / "gone").unlink()
    with pytest.raises(ListRefused, match="list gone: cannot read"):
        built([gone], tmp_path / "other", processes)


def test_a_full_disk_in_another_process_is_told_as_what_it_is(tmp_path: Path) -> None:
    item = at_hand(tmp_path / "mine", "a.test\n", "mine")
    folder = tmp_path / "built"
    folder.mkdir()

    def progress(what: str, *_: object) -> None:
        if what == "mine":
            (folder / "rows").rename(tmp_path / "elsewhere")

    with pytest.raises(FileNotFoundError):
        compile_index([item, item], folder, progress, 1)


def test_a_process_that_dies_refuses_the_lists_and_what_is_in_force_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = at_hand(tmp_path / "mine", "a.test\n" * 5000, "mine").source
    before = compile_generation([source], tmp_path / "lists")
    monkeypatch.setattr(compile_module, "SMALL", 1)
    monkeypatch.setattr(blocks, "BLOCK", 1000)

    def kill(what: str, *_: object) -> None:
        if what == "mine":
            for pid in children():
                os.kill(pid, signal.SIGKILL)

    with pytest.raises(ListRefused, match="a process of it was killed") as refusal:
        compile_generation([source], tmp_path / "lists", Act(progress=kill))
    assert "\n" not in str(refusal.value)
    assert current(tmp_path / "lists") == before.folder
    assert [path.name for path in (tmp_path / "lists" / "generations").iterdir()] == [before.id]
    assert children() == []


def children() -> list[int]:
    found = (task / "children" for task in Path("/proc/self/task").iterdir())
    pids = {int(word) for file in found for word in file.read_text().split()}
    return [pid for pid in pids if b"categories.pool" in command_of(pid)]


def command_of(pid: int) -> bytes:
    """What a process runs; nothing where it has ended since it was listed."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""
