from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from categories.address import parse
from categories.entries import Covers, ListEntry
from categories.errors import IndexRefused
from categories.expression_engine import EngineRefused, Matcher
from categories.expression_index import (
    COMPILED,
    WRITTEN,
    Expression,
    ListedExpressions,
    Written,
    read_expressions,
    write_expressions,
)
from categories.index import WITHHELD, CategoryIndex
from categories.meta import read_meta
from categories.sources import ListSource
from categories.starter import STARTER
from categories.update import compile_generation
from tests.categories.archives import tree

if TYPE_CHECKING:
    from pathlib import Path

EXPRESSIONS = r"""marker[0-9]
(^|[-/])kennwort([-/.?]|$)
\.
(unclosed
^seite\.example\.test/$
"""


def source(folder: Path, name: str = "ut1", category: str = "games", **settings: object) -> ListSource:
    at = tree(folder / name, {"x/domains": "listed.test\n", "x/expressions": EXPRESSIONS, "y/expressions": "marker1\n"})
    for path in (at, *at.rglob("*")):
        path.chmod(0o700)
    return ListSource(name, "ut1", path=at, map={"x": category}, **{"expressions": True} | settings)  # type: ignore[arg-type]


def compiled(folder: Path, *sources: ListSource) -> CategoryIndex:
    return CategoryIndex.open(compile_generation(sources, folder / "lists").folder)


def found(index: CategoryIndex, url: str) -> list[tuple[str, str, int]]:
    address = parse(url)
    entries = index.lookup(address.host, address.path, address.query)
    return [(each.pattern, each.file, each.line) for each in entries if each.list != STARTER]


@pytest.mark.parametrize(
    ("url", "entries"),
    [
        ("http://a.test/MARKER7", [("marker[0-9]", "x/expressions", 1)]),
        ("https://marker7.test:8443/", [("marker[0-9]", "x/expressions", 1)]),
        ("http://a.test/?q=m%61rker0", [("marker[0-9]", "x/expressions", 1)]),
        ("http://a.test/x%2Fkennwort", [("(^|[-/])kennwort([-/.?]|$)", "x/expressions", 2)]),
        ("http://a.test/x%2fkennwort%3f", [("(^|[-/])kennwort([-/.?]|$)", "x/expressions", 2)]),
        (
            "http://listed.test/kennwort/marker1",
            [
                ("listed.test", "x/domains", 1),
                ("marker[0-9]", "x/expressions", 1),
                ("(^|[-/])kennwort([-/.?]|$)", "x/expressions", 2),
            ],
        ),
        ("http://seite.example.test/", [("^seite\\.example\\.test/$", "x/expressions", 5)]),
        ("http://www.seite.example.test/", []),
        ("http://a.test/marker", []),
    ],
)
def test_every_expression_that_matches_is_an_entry_with_file_and_line(
    tmp_path: Path, url: str, entries: list[tuple[str, str, int]]
) -> None:
    assert found(compiled(tmp_path, source(tmp_path)), url) == entries


def test_expressions_are_counted_and_a_bad_one_is_one_rejected_line(tmp_path: Path) -> None:
    index = compiled(tmp_path, source(tmp_path))
    summary = index.lists[1]
    assert (summary.entries, summary.rejected, summary.unsupported) == (4, 2, 0)
    assert index.counts["games"] == {"ut1": 4}
    assert summary.examples == (
        "x/expressions:3: matches 60 of 60 ordinary addresses",
        "x/expressions:4: a ( without its )",
    )


def test_expressions_are_off_unless_the_settings_turn_them_on(tmp_path: Path) -> None:
    index = compiled(tmp_path, source(tmp_path, expressions=False))
    assert found(index, "http://a.test/marker7") == []
    assert (index.lists[1].entries, index.lists[1].unsupported) == (1, 5)
    folder = next((tmp_path / "lists" / "generations").iterdir())
    assert not {WRITTEN, COMPILED} & {path.name for path in folder.iterdir()}


def test_expressions_of_a_white_list_are_never_used(tmp_path: Path) -> None:
    at = tree(tmp_path / "ut1", {"w/domains": "ok.test\n", "w/expressions": "marker\n", "w/usage": "white\n"})
    made = ListSource("ut1", "ut1", path=at, white={"w": "ITS"}, expressions=True)
    index = compiled(tmp_path, made)
    assert found(index, "http://a.test/marker") == []
    assert index.lists[1].unsupported == 1


def test_lists_with_the_same_expression_are_all_given(tmp_path: Path) -> None:
    both = ListSource(
        "two", "ut1", path=tree(tmp_path / "two", {"y/expressions": "other9\nmarker[0-9]\n"}),
        map={"y": "shopping"}, expressions=True,
    )  # fmt: skip
    index = compiled(tmp_path, source(tmp_path), both)
    entries = index.lookup("a.test", "/marker5", "")
    assert [(each.list, each.category, each.line, each.covers) for each in entries] == [
        ("ut1", "games", 1, Covers.EXPRESSION),
        ("two", "shopping", 2, Covers.EXPRESSION),
    ]
    assert entries[1].list_version == index.lists[2].version


def test_expressions_for_child_abuse_are_never_quoted(tmp_path: Path) -> None:
    index = compiled(tmp_path, source(tmp_path, category="child-abuse"))
    (entry,) = index.lookup("a.test", "/marker5", "")
    assert entry == ListEntry("child-abuse", WITHHELD, Covers.EXPRESSION, "ut1", index.lists[1].version, "", 0)
    assert index.lists[1].examples == ()


@pytest.mark.parametrize(
    ("host", "patterns"),
    [
        ("marker7.test", ["marker[0-9]"]),
        ("a-kennwort.test", ["(^|[-/])kennwort([-/.?]|$)"]),
        ("seite.example.test", []),  # another path of it is not covered
        ("sub.listed.test", ["listed.test"]),
        ("whole.test", []),
    ],
)
def test_without_a_path_only_what_covers_every_path_is_given(tmp_path: Path, host: str, patterns: list[str]) -> None:
    made = source(tmp_path)
    assert made.path
    (made.path / "x" / "urls").write_text("whole.test/\n")
    index = compiled(tmp_path, made)
    assert [each.pattern for each in index.lookup(host, "", "")] == patterns


@pytest.mark.parametrize("file", [WRITTEN, COMPILED])
def test_damaged_expressions_refuse_the_index(tmp_path: Path, file: str) -> None:
    folder = compile_generation((source(tmp_path),), tmp_path / "lists").folder
    data = bytearray((folder / file).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / file).unlink()
    (folder / file).write_bytes(data)
    with pytest.raises(IndexRefused, match=f"{file} is truncated or damaged"):
        CategoryIndex.open(folder)
    (folder / file).unlink()
    with pytest.raises(IndexRefused, match="cannot read"):
        CategoryIndex.open(folder)


def test_expressions_compiled_by_another_engine_are_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = compile_generation((source(tmp_path),), tmp_path / "lists").folder

    def refused(_data: bytes) -> Matcher:
        raise EngineRefused("compiled by another version")

    monkeypatch.setattr(Matcher, "load", refused)
    assert found(CategoryIndex.open(folder), "http://a.test/marker7") == [("marker[0-9]", "x/expressions", 1)]


def test_the_files_hold_what_was_written(tmp_path: Path) -> None:
    expressions = [
        Expression(3, 7, "é\t\n"),
        Expression(4, 1, "foo"),
        Expression(5, 9, "FOO|x"),
        Expression(5, 9, "foo"),
    ]
    files = write_expressions(expressions, tmp_path)
    written = read_expressions((tmp_path / WRITTEN).read_bytes())
    assert written == Written(tuple(expressions), (0, 1, 2, 1))
    assert written.patterns == [r"(?:\xc3\xa9)\x09\x0a", "foo", "(?:FOO|x)"]
    assert {name: (tmp_path / name).stat().st_size for name in files} == {
        name: size for name, (size, _) in files.items()
    }
    entries = [ListEntry("games", each.text, Covers.EXPRESSION, "a", "v", "f", each.line) for each in expressions]
    listed = ListedExpressions(written, entries, (tmp_path / COMPILED).read_bytes())
    assert listed.covering("foo.test", "/", "") == [entries[1], entries[2], entries[3]]


def test_no_expressions_are_no_files(tmp_path: Path) -> None:
    assert write_expressions([], tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_the_same_expressions_make_the_same_files(tmp_path: Path) -> None:
    metas = [read_meta(compile_generation((source(tmp_path),), tmp_path / name).folder) for name in ("one", "two")]
    assert metas[0].files == metas[1].files


_OPENS = """
import sys
from pathlib import Path
from categories.index import CategoryIndex
index = CategoryIndex.open(Path(sys.argv[1]))
index.lookup("a.test", "/marker7", "")
print("hyperscan" in sys.modules)
"""


@pytest.mark.parametrize("on", [True, False])
def test_the_engine_is_loaded_only_where_a_list_has_expressions(tmp_path: Path, on: bool) -> None:
    folder = compile_generation((source(tmp_path, expressions=on),), tmp_path / "lists").folder
    done = subprocess.run([sys.executable, "-c", _OPENS, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout == f"{on}\n"
