from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from categories.compile import CLASSES, LINES, OFFSETS, compile_index
from categories.formats import FORMATS
from categories.index import CategoryIndex
from categories.meta import META_FILE, digest_of
from categories.sources import ListSource
from categories.sources import digest_of as digest_of_sources
from categories.spool import ListAtHand

if TYPE_CHECKING:
    from pathlib import Path


def at_hand(path: Path, text: str, name: str) -> ListAtHand:
    path.write_text(text)
    source = ListSource(name, "domains", path=path, category="games")
    return ListAtHand(source, path, FORMATS["domains"](source, path, path.parent))


def test_postings_are_distinct_in_the_order_of_lists_with_the_first_line(tmp_path: Path) -> None:
    folder = tmp_path / "built"
    folder.mkdir()
    lists = (
        at_hand(tmp_path / "one", "b.test\na.test\nA.test.\n", "one"),
        at_hand(tmp_path / "two", "\n\na.test\n", "two"),
    )
    meta = compile_index(lists, folder, lambda *_: None)
    assert [(summary.name, summary.entries) for summary in meta.lists] == [("one", 2), ("two", 1)]
    assert meta.sources == digest_of_sources(item.source for item in lists)
    assert len(meta.classes) == 2
    offsets = array("I", (folder / OFFSETS).read_bytes())
    assert (offsets[0], offsets[-1], len(offsets)) == (0, 3, 3)
    assert sorted(array("H", (folder / CLASSES).read_bytes())) == [0, 0, 1]
    assert sorted(array("I", (folder / LINES).read_bytes())) == [1, 2, 3]
    assert not (folder / "spool").exists()
    named = folder.rename(tmp_path / f"000001-{digest_of((folder / META_FILE).read_bytes())}")
    assert [(entry.list, entry.line) for entry in CategoryIndex.open(named).lookup("a.test")] == [
        ("one", 2),
        ("two", 3),
    ]
