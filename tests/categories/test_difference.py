from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from categories.difference import EXAMPLES, ListChange, ListsDifference, difference
from categories.index import CategoryIndex
from categories.sources import ListSource
from categories.update import compile_generation
from tests.categories.archives import tree

if TYPE_CHECKING:
    from pathlib import Path


def domains(folder: Path, name: str, text: str, category: str = "games") -> ListSource:
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)
    return ListSource(name, "domains", path=path, category=category)


def index(folder: Path, *sources: ListSource) -> CategoryIndex:
    return CategoryIndex.open(compile_generation(sources, folder / "lists").folder)


def test_what_came_and_what_went_is_counted_by_list_and_category(tmp_path: Path) -> None:
    old = index(tmp_path, domains(tmp_path, "mine", "a.test\nb.test\nc.test\n"), domains(tmp_path, "gone", "a.test\n"))
    new = index(tmp_path, domains(tmp_path, "mine", "c.test\nb.test\nd.test\n"), domains(tmp_path, "came", "a.test\n"))
    assert difference(old, new) == ListsDifference(
        (
            ListChange("mine", "games", False, 1, 1, ("d.test",), ("a.test",)),
            ListChange("came", "games", False, 1, 0, ("a.test",), ()),
            ListChange("gone", "games", False, 0, 1, (), ("a.test",)),
        )
    )
    assert (difference(old, new).added, difference(old, new).removed) == (2, 2)


def test_other_lines_and_files_of_the_same_entries_change_nothing(tmp_path: Path) -> None:
    before = tree(tmp_path / "before", {"games/domains": "a.test\nb.test\n", "games/domains.2": "a.test\n"})
    after = tree(tmp_path / "after", {"games/domains": "# moved\nb.test\n", "games/domains.2": "\na.test\na.test\n"})
    folders = (before, after)
    old, new = (index(tmp_path, ListSource("ut1", "ut1", path=path, map={"games": "games"})) for path in folders)
    assert difference(old, new) == ListsDifference(())
    assert difference(new, new) == ListsDifference(())


def test_expressions_are_told_as_they_are_written(tmp_path: Path) -> None:
    files = ({"games/expressions": "marker[0-9]\nold/x\n"}, {"games/expressions": "\nnewer|yonder\nmarker[0-9]\n"})
    trees = [tree(tmp_path / name, each) for name, each in zip(("before", "after"), files, strict=True)]
    old, new = (
        index(tmp_path, ListSource("ut1", "ut1", path=path, map={"games": "games"}, expressions=True)) for path in trees
    )
    assert difference(old, new) == ListsDifference(
        (ListChange("ut1", "games", False, 1, 1, ("newer|yonder",), ("old/x",)),)
    )
    (both, *_) = difference(None, new).changes[-1:]
    assert (both.added, both.added_examples) == (2, ("newer|yonder", "marker[0-9]"))


def test_what_an_entry_covers_and_whether_it_is_white_is_told_apart(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("0.0.0.0 a.test\n")
    files = {"games/urls": "a.test/\n", "health/domains": "a.test\n", "health/usage": "white\n"}
    ut1 = ListSource(
        "ut1",
        "ut1",
        path=tree(tmp_path / "ut1", files),
        map={"games": "games"},
        white={"health": "Health Services"},
    )
    new = index(tmp_path, ListSource("mine", "hosts", path=hosts, category="games"), ut1)
    assert difference(None, new).changes[-3:] == (
        ListChange("mine", "games", False, 1, 0, ("a.test",), ()),
        ListChange("ut1", "games", False, 1, 0, ("a.test/",), ()),
        ListChange("ut1", "health", True, 1, 0, ("a.test",), ()),
    )


def test_a_host_that_is_listed_with_its_sub_domains_instead_is_another_entry(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text("a.test\n192.0.2.1\n")
    old, new = (
        index(tmp_path, ListSource("mine", kind, path=path, category="games")) for kind in ("wildcard", "domains")
    )
    assert difference(old, new) == ListsDifference(
        (ListChange("mine", "games", False, 1, 1, ("a.test",), ("a.test",)),)
    )


def test_of_child_abuse_only_numbers_are_told(tmp_path: Path) -> None:
    old = index(tmp_path, domains(tmp_path, "licensed", "one.test\n", "child-abuse"))
    new = index(tmp_path, domains(tmp_path, "licensed", "one.test\ntwo.test\nthree.test\n", "child-abuse"))
    assert difference(old, new).changes == (ListChange("licensed", "child-abuse", False, 2, 0, (), ()),)


def test_examples_are_few(tmp_path: Path) -> None:
    old = index(tmp_path)
    new = index(
        tmp_path, domains(tmp_path, "mine", "".join(f"d{number}.made-up-{number}.test\n" for number in range(99)))
    )
    (change,) = difference(old, new).changes
    assert (change.added, len(change.added_examples)) == (99, EXAMPLES)


def test_a_closed_index_says_so(tmp_path: Path) -> None:
    new = index(tmp_path)
    new.close()
    with pytest.raises(ValueError, match="closed"):
        difference(None, new)


names = st.builds("{}.{}".format, st.sampled_from("abc"), st.sampled_from(["x.test", "y.test", "z.example"]))
lists = st.fixed_dictionaries({"one": st.lists(names, max_size=6), "two": st.lists(names, max_size=6)})


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(lists, lists)
def test_it_agrees_with_sets_of_names(
    tmp_path_factory: pytest.TempPathFactory, before: dict[str, list[str]], after: dict[str, list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    old, new = (
        index(folder, *(domains(folder, name, "\n".join(["#", *said])) for name, said in each.items()))
        for each in (before, after)
    )
    assert {(change.list, change.added, change.removed) for change in difference(old, new).changes} == {
        (name, len(set(after[name]) - set(before[name])), len(set(before[name]) - set(after[name])))
        for name in after
        if set(after[name]) != set(before[name])
    }
