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


@pytest.fixture
def toulouse(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A made-up UT1 tree: each folder has an entry, and these expressions."""

    def build(number: int, **expressions: list[str]) -> CategoryIndex:
        folder = tmp_path / f"tree{number}"
        for name, lines in expressions.items():
            (folder / "ut1" / name).mkdir(parents=True)
            (folder / "ut1" / name / "domains").write_text(f"{name}.test\n")
            (folder / "ut1" / name / "expressions").write_text("".join(f"{line}\n" for line in lines))
        for path in ((folder / "ut1"), *(folder / "ut1").rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)
        categories = {name: "child-abuse" if name == "abuse" else name for name in expressions}
        source = ListSource("ut1", "ut1", path=folder / "ut1", map=categories, expressions=True)
        return CategoryIndex.open(compile_generation((source,), folder / "lists").folder)

    return build


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["casino[0-9]{3}"], None),
        ([], None),
        (["casino[0-9]{3}", "[.]gov/"], "list ut1 (gambling) brings 1 new expression: [.]gov/"),
        (
            [f"number{number}casino" for number in range(5)],
            "list ut1 (gambling) brings 5 new expressions: number0casino, number1casino, number2casino and 2 more",
        ),
        (["casino" * 100], f"list ut1 (gambling) brings 1 new expression: {('casino' * 100)[:199]}…"),
    ],
    ids=["the same ones", "one gone", "one more", "five others", "a long one"],
)
def test_a_new_expression_is_looked_at_by_a_person(toulouse, lines: list[str], reason: str | None) -> None:  # type: ignore[no-untyped-def]
    old = toulouse(1, gambling=["casino[0-9]{3}"])
    assert held(old, toulouse(2, gambling=lines)) == ((reason,) if reason else ())


def test_an_expression_that_moves_to_another_category_is_new_there(toulouse) -> None:  # type: ignore[no-untyped-def]
    old = toulouse(1, gambling=["casino[0-9]{3}"], games=[])
    new = toulouse(2, gambling=[], games=["casino[0-9]{3}"])
    assert held(old, new) == ("list ut1 (games) brings 1 new expression: casino[0-9]{3}",)


def test_no_expression_of_child_abuse_is_quoted(toulouse) -> None:  # type: ignore[no-untyped-def]
    old, new = toulouse(1, abuse=[]), toulouse(2, abuse=["marker[0-9]{3}"])
    assert held(old, new) == ("list ut1 (child-abuse) brings 1 new expression",)


def test_the_expressions_of_a_list_that_is_new_are_an_act_of_the_settings(index, toulouse) -> None:  # type: ignore[no-untyped-def]
    assert held(index(1, ("a", "games", hosts(3))), toulouse(2, gambling=["casino[0-9]{3}"])) == ()
