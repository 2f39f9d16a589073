"""What the rules say of two indexes; how they hold an update is in test_change_requests.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from categories.difference import difference
from categories.holds import HANDFUL, HoldLimits, holds
from categories.index import CategoryIndex
from categories.sources import ListSource
from categories.suffixes import is_registry_suffix, shared_hosts
from categories.update import compile_generation
from tests.categories.archives import tree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def index(tmp_path: Path):  # type: ignore[no-untyped-def]
    def build(number: int, *lists: tuple[str, str, list[str]]) -> CategoryIndex:
        folder = tmp_path / str(number)
        folder.mkdir()
        sources = []
        for name, category, hosts in lists:
            (folder / name).write_text("".join(f"{host}\n" for host in hosts))
            (folder / name).chmod(0o600)
            sources.append(ListSource(name, "domains", path=folder / name, category=category))
        return CategoryIndex.open(compile_generation(tuple(sources), folder / "lists").folder)

    return build


def held(old: CategoryIndex, new: CategoryIndex, limits: HoldLimits | None = None) -> tuple[str, ...]:
    return holds(old, new, difference(old, new), limits or HoldLimits())


def hosts(count: int) -> list[str]:
    return [f"host{number}.test" for number in range(count)]


def test_each_list_is_measured_by_itself(index) -> None:  # type: ignore[no-untyped-def]
    old = index(1, ("a", "games", hosts(100)), ("b", "games", hosts(100)))
    new = index(2, ("a", "games", hosts(50)), ("b", "games", hosts(200)))
    shrinks, grows = held(old, new)
    assert shrinks == "list a, games loses 50 of 100 entries, over 10 %"
    assert grows == "list b, games wins 100 entries on 100, over 25 %"


def test_a_list_that_is_new_or_gone_is_an_act_of_the_settings(index) -> None:  # type: ignore[no-untyped-def]
    old = index(1, ("a", "games", hosts(100)))
    assert held(old, index(2, ("b", "games", hosts(100)))) == ()


@pytest.mark.parametrize(("count", "waits"), [(10 - HANDFUL, False), (10 - HANDFUL - 1, True), (10 + HANDFUL, False)])
def test_a_handful_of_entries_holds_no_small_list(index, count: int, waits: bool) -> None:  # type: ignore[no-untyped-def]
    old, new = index(1, ("a", "games", hosts(10))), index(2, ("a", "games", hosts(count)))
    assert bool(held(old, new, HoldLimits(0, 0))) is waits


def test_shared_hosts_are_named_up_to_five(index) -> None:  # type: ignore[no-untyped-def]
    shared = sorted(host for host in shared_hosts() if host.count(".") == 1 and not is_registry_suffix(host))[:8]
    old, new = index(1, ("a", "games", hosts(100))), index(2, ("a", "games", [*hosts(100), *shared]))
    (reason,) = held(old, new)
    assert reason == f"list a (games) would cover all of a shared host: {', '.join(shared[:5])} and 3 more"
    assert held(new, new) == ()


def test_a_list_that_is_never_shown_holds_an_update_without_a_host(index) -> None:  # type: ignore[no-untyped-def]
    old = index(1, ("a", "child-abuse", hosts(100)))
    new = index(2, ("a", "child-abuse", [*hosts(100), "988lifeline.org", "chat.aclu.org"]))
    reasons = held(old, new)
    assert reasons == ("touches the review-first set, newly listed as child-abuse by a",)


def test_other_entries_in_the_place_of_all_are_held(index) -> None:  # type: ignore[no-untyped-def]
    old, new = index(1, ("a", "games", hosts(100))), index(2, ("a", "games", [f"x{host}" for host in hosts(100)]))
    assert held(old, new) == (
        "list a, games loses 100 of 100 entries, over 10 %",
        "list a, games wins 100 entries on 100, over 25 %",
    )


@pytest.mark.parametrize(
    "shared",
    ["github.io", "amazonaws.com", "uc.r.appspot.com"],
    ids=["a suffix", "above suffixes", "behind a wildcard"],
)
@pytest.mark.parametrize("category", ["games", "child-abuse"])
def test_whatever_covers_strangers_sites_holds_and_one_of_them_does_not(
    index,  # type: ignore[no-untyped-def]
    category: str,
    shared: str,
) -> None:
    plain = [*hosts(100), "somebody.github.io", "x.s3.amazonaws.com", "somebody.uc.r.appspot.com"]
    old = index(1, ("a", category, hosts(100)))
    assert held(old, index(2, ("a", category, plain))) == ()
    new = index(3, ("a", category, [*plain, shared]))
    named = "" if category == "child-abuse" else f": {shared}"
    assert held(old, new) == (f"list a ({category}) would cover all of a shared host{named}",)
    assert held(new, new) == ()


def with_expressions(folder: Path, *texts: str, category: str = "games") -> CategoryIndex:
    at = tree(folder / "ut1", {"x/domains": "a.test\n", "x/expressions": "\n".join(texts)})
    for path in (at, *at.rglob("*")):
        path.chmod(0o700)
    source = ListSource("ut1", "ut1", path=at, map={"x": category}, expressions=bool(texts))
    return CategoryIndex.open(compile_generation((source,), folder / "lists").folder)


def test_a_new_expression_is_looked_at_by_a_person(tmp_path: Path) -> None:
    old = with_expressions(tmp_path / "old", "marker1", "marker2")
    new = with_expressions(tmp_path / "new", "# moved", "marker2", "kennwort(x|y)+", "marker1")
    assert held(old, new) == ("list ut1 (games) brings new expressions, 1: kennwort(x|y)+",)
    assert held(new, old) == ()  # fewer of them is what the sizes tell


def test_turning_expressions_on_is_an_act_of_the_settings(tmp_path: Path) -> None:
    old, new = with_expressions(tmp_path / "old"), with_expressions(tmp_path / "new", "marker1")
    assert held(old, new) == ()


def test_new_expressions_for_child_abuse_are_counted_and_not_shown(tmp_path: Path) -> None:
    old = with_expressions(tmp_path / "old", "marker1", category="child-abuse")
    new = with_expressions(tmp_path / "new", "marker1", "marker2", category="child-abuse")
    assert held(old, new) == ("list ut1 (child-abuse) brings new expressions, 1",)
