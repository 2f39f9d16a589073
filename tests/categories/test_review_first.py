from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from categories.address import canonical_host
from categories.index import CategoryIndex
from categories.review_first import Reviewed, Touch, review_first, touches
from categories.sources import ListSource
from categories.suffixes import is_public_suffix
from categories.update import compile_generation

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("crisis", "health", "legal-aid", "government", "advocacy", "employee-organisations")
CRISIS = Reviewed("988lifeline.org", "crisis")


def test_the_set_has_each_kind_and_every_host_once_in_its_canonical_form() -> None:
    hosts = [each.host for each in review_first()]
    assert tuple(dict.fromkeys(each.kind for each in review_first())) == KINDS
    assert [canonical_host(host) for host in hosts] == hosts
    assert len(set(hosts)) == len(hosts)
    assert [host for host in hosts if is_public_suffix(host)] == ["gov"]
    assert all(sum(each.kind == kind for each in review_first()) >= 3 for kind in KINDS)


def test_no_starter_list_names_a_host_of_the_set(tmp_path: Path) -> None:
    nothing = CategoryIndex.open(compile_generation((), tmp_path / "lists").folder)
    assert [entry for each in review_first() for entry in (*nothing.lookup(each.host), *nothing.below(each.host))] == []


@pytest.fixture
def index(tmp_path: Path):  # type: ignore[no-untyped-def]
    def build(name: str, text: str, category: str = "gambling", format_: str = "domains") -> CategoryIndex:
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
        source = ListSource("mine", format_, path=tmp_path / name, category=category)
        return CategoryIndex.open(compile_generation((source,), tmp_path / f"lists-{name}").folder)

    return build


@pytest.mark.parametrize("line", ["988lifeline.org", "chat.988lifeline.org", "988lifeline.org/help"])
def test_whatever_names_the_host_or_a_part_of_it_touches_it(index, line: str) -> None:  # type: ignore[no-untyped-def]
    old, new = index("old", "casino.test\n"), index("new", f"casino.test\n{line}\n", format_="e2guardian")
    assert list(touches(old, new)) == [Touch(CRISIS, line, "gambling", "mine", white=False, listed=True)]
    assert list(touches(new, old)) == [Touch(CRISIS, line, "gambling", "mine", white=False, listed=False)]
    assert list(touches(new, new)) == []


@pytest.mark.parametrize("line", ["not988lifeline.org", "988lifeline.org.test", "988lifeline.net"])
def test_a_host_that_only_looks_like_it_does_not(index, line: str) -> None:  # type: ignore[no-untyped-def]
    assert list(touches(index("old", "casino.test\n"), index("new", f"casino.test\n{line}\n"))) == []


def test_another_category_for_what_was_listed_touches_it(index) -> None:  # type: ignore[no-untyped-def]
    old, new = index("old", "988lifeline.org\n"), index("new", "988lifeline.org\n", "games")
    assert {(touch.category, touch.listed) for touch in touches(old, new)} == {("games", True), ("gambling", False)}


@pytest.mark.parametrize(
    ("line", "category", "touched"),
    [
        ("city.gov", "malware", False),
        ("city.gov", "phishing", False),
        ("city.gov", "games", True),
        ("988lifeline.org", "phishing", True),
    ],
)
def test_hosts_of_governments_that_were_taken_over_hold_nothing(  # type: ignore[no-untyped-def]
    index, line: str, category: str, touched: bool
) -> None:
    old = index("old", "casino.test\n", category)
    assert bool(list(touches(old, index("new", f"casino.test\n{line}\n", category)))) is touched
