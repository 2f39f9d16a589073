"""From a server on loopback to a change that is put in force, held, applied by a person, or rolled back."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from categories.act import Act, Outcome, Result
from categories.change import ChangedVerdict, Verdicts
from categories.errors import FloorRefused, IndexRefused, ListRefused, ListsRefused
from categories.generations import KEPT, current, kept
from categories.held import held
from categories.history import Kind, history
from categories.holds import HoldLimits
from categories.index import CategoryIndex
from categories.sources import ListSource
from categories.switch import apply_held, rollback
from categories.update import compile_generation, compiled, update
from tests.categories.server import Answer, body, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BEFORE = tuple(f"host{number}.test" for number in range(100))


@dataclass
class District:
    """A district that subscribes to one list, on a server that says whatever `says` is told."""

    lists: Path
    answers: dict[str, Answer]
    url: str
    category: str = "gambling"
    recorded: list[tuple[str, str, str]] = field(default_factory=list)
    act: Act = field(default_factory=Act)

    def __post_init__(self) -> None:
        self.act = Act("ann", "why", record=self._record)

    def _record(self, applied, generation, change) -> None:  # type: ignore[no-untyped-def]
        assert not (self.lists / "current").exists() or current(self.lists).name != applied.generation
        self.recorded.append((applied.generation, applied.kind.value, applied.author))

    @property
    def sources(self) -> tuple[ListSource, ...]:
        return (ListSource("mine", "domains", url=f"{self.url}/mine", category=self.category),)

    def says(self, *hosts: str) -> District:
        self.answers["/mine"] = body("".join(f"{host}\n" for host in hosts).encode())
        return self

    def update(self, **how: object) -> Result:
        return update(self.sources, self.lists, replace(self.act, **how)).result  # type: ignore[arg-type]

    def apply(self, **how: object) -> Outcome:
        waiting = held(self.lists)
        named = waiting.change.generation if waiting else "none"
        return apply_held(self.sources, self.lists, replace(self.act, **how), named)  # type: ignore[arg-type]

    def covers(self, host: str) -> bool:
        return bool(CategoryIndex.open(current(self.lists)).lookup(host))

    def waits(self) -> tuple[str, ...]:
        waiting = held(self.lists)
        return waiting.change.holds if waiting else ()


@pytest.fixture
def district(tmp_path: Path) -> Iterator[District]:
    answers: dict[str, Answer] = {}
    with serving(answers) as url:
        found = District(tmp_path / "state" / "lists", answers, url)
        (tmp_path / "state").mkdir()
        assert found.says(*BEFORE).update() is Result.APPLIED
        yield found


HOLDS = {
    "it loses more than a tenth": (BEFORE[:89], "list mine, gambling loses 11 of 100 entries, over 10 %"),
    "it wins more than a quarter": (
        (*BEFORE, *(f"new{number}.test" for number in range(26))),
        "list mine, gambling wins 26 entries on 100, over 25 %",
    ),
    "an entry covers a shared host": (
        (*BEFORE, "github.io"),
        "list mine (gambling) would cover all of a shared host: github.io",
    ),
    "it names a crisis line": (
        (*BEFORE, "988lifeline.org"),
        "touches the review-first set (crisis), newly listed as gambling by mine: 988lifeline.org",
    ),
    "it names a part of a crisis line": (
        (*BEFORE, "chat.988lifeline.org"),
        "touches the review-first set (crisis), newly listed as gambling by mine: chat.988lifeline.org",
    ),
    "it names a government's host": (
        (*BEFORE, "lottery.example.gov"),
        "touches the review-first set (government), newly listed as gambling by mine: lottery.example.gov",
    ),
}


@pytest.mark.parametrize(("hosts", "reason"), HOLDS.values(), ids=HOLDS)
def test_an_update_waits_for_a_person(district: District, hosts: tuple[str, ...], reason: str) -> None:
    before = current(district.lists)
    assert district.says(*hosts).update() is Result.HELD
    assert district.waits() == (reason,)
    assert current(district.lists) == before
    assert len(district.recorded) == 1  # what is held is not in force


PASSES = {
    "it loses a tenth": BEFORE[:90],
    "it wins a quarter": (*BEFORE, *(f"new{number}.test" for number in range(25))),
    "it names a site of a shared host": (*BEFORE, "gamble.github.io"),
    "it names another site": (*BEFORE, "casino.test"),
}


@pytest.mark.parametrize("hosts", PASSES.values(), ids=PASSES)
def test_an_ordinary_update_needs_nobody(district: District, hosts: tuple[str, ...]) -> None:
    assert district.says(*hosts).update() is Result.APPLIED
    assert [district.covers(host) for host in hosts] == [True] * len(hosts)
    assert [(kind, by) for _, kind, by in district.recorded] == [("update", "ann")] * 2
    assert district.recorded[-1][0] == current(district.lists).name


def test_what_the_set_names_already_does_not_hold_the_next_update(district: District) -> None:
    district.says(*BEFORE, "aclu.org").update()
    district.apply()
    assert district.says(*BEFORE, "aclu.org", "casino.test").update() is Result.APPLIED
    assert district.says(*BEFORE, "casino.test").update() is Result.HELD
    assert "no longer listed as gambling by mine: aclu.org" in district.waits()[0]


def test_a_small_list_may_change_by_a_handful(district: District) -> None:
    district.says(*BEFORE[:90]).update()
    result = update(district.sources, district.lists, district.act, HoldLimits(shrink=0, growth=0)).result
    assert result is Result.UNCHANGED
    district.says(*BEFORE[:85])
    assert update(district.sources, district.lists, district.act, HoldLimits(0, 0)).result is Result.APPLIED
    district.says(*BEFORE[:79])
    assert update(district.sources, district.lists, district.act, HoldLimits(0, 0)).result is Result.HELD


def test_the_limits_are_the_district_s(district: District) -> None:
    district.says(*BEFORE[:89])
    assert update(district.sources, district.lists, district.act, HoldLimits(shrink=11)).result is Result.APPLIED


def test_a_person_puts_a_held_update_in_force(district: District) -> None:
    district.says(*BEFORE, "github.io").update()
    waiting = held(district.lists)
    assert waiting
    outcome = district.apply(author="ben", reason="looked at it")
    assert outcome.result is Result.APPLIED
    assert current(district.lists).name == outcome.generation.id == waiting.change.generation
    assert district.covers("x.github.io")
    assert held(district.lists) is None
    last = history(district.lists)[-1]
    assert (last.kind, last.author, last.reason) == (Kind.APPLY, "ben", "looked at it")
    assert district.update() is Result.UNCHANGED
    with pytest.raises(ListRefused, match="no change of the lists waits"):
        district.apply()


def test_the_same_bytes_go_on_waiting_and_are_not_compiled_again(district: District) -> None:
    district.says(*BEFORE, "github.io").update()
    first = held(district.lists)
    steps: list[str] = []
    assert district.update(progress=lambda what, done, total: steps.append(what)) is Result.HELD
    assert held(district.lists) == first
    assert "index" not in steps


def test_a_list_that_was_put_right_takes_the_place_of_what_waits(district: District) -> None:
    district.says(*BEFORE, "github.io").update()
    assert district.says(*BEFORE, "casino.test").update() is Result.APPLIED
    assert held(district.lists) is None


def test_a_list_that_is_as_before_again_takes_back_what_waits(district: District) -> None:
    district.says(*BEFORE, "github.io").update()
    assert district.says(*BEFORE).update() is Result.UNCHANGED
    assert held(district.lists) is None


def test_nothing_new_makes_no_generation(district: District) -> None:
    before = kept(district.lists)
    assert district.update() is Result.UNCHANGED
    assert kept(district.lists) == before
    assert len(district.recorded) == 1


def test_what_waits_is_not_put_in_force_by_a_compile(district: District) -> None:
    district.says(*BEFORE, "github.io").update()
    compile_generation(district.sources, district.lists, district.act)
    assert not district.covers("x.github.io")
    with pytest.raises(ListRefused, match="no change of the lists waits"):
        district.apply()


def test_new_settings_download_what_is_missing_and_nothing_else(district: District, tmp_path: Path) -> None:
    """Else a change that a person has to decide on would come in with any new list."""
    district.says(*BEFORE, "github.io")
    district.answers["/other"] = body(b"other.test\n")
    other = ListSource("other", "domains", url=f"{district.url}/other", category="games")
    with compiled((*district.sources, other), district.lists, district.act):
        pass
    assert district.covers("other.test")
    assert not district.covers("x.github.io")
    assert history(district.lists)[-1].kind is Kind.SETTINGS


def test_a_file_system_without_links_is_copied_on(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refused)
    assert district.says(*BEFORE, "new.test").update() is Result.APPLIED
    compile_generation(district.sources, district.lists, district.act)
    assert district.covers("new.test")
    assert district.update() is Result.UNCHANGED


def test_what_was_downloaded_of_a_list_that_left_the_settings_is_removed(district: District) -> None:
    cache = district.lists / "downloads"
    (cache / "gone").write_bytes(b"a.test\n")
    (cache / "gone.json").write_bytes(b"{}")
    (cache / "gone.part").write_bytes(b"a.t")
    (cache / ".gone").write_bytes(b"a.t")
    (cache / "mine.part").write_bytes(b"ho")  # goes on with the next update, or not: its own download tells
    assert district.says(*BEFORE, "new.test").update() is Result.APPLIED
    assert {path.name for path in cache.iterdir()} == {"mine", "mine.json"}


def test_another_address_of_a_list_is_asked_by_new_settings(district: District) -> None:
    district.answers["/other"] = body(b"other.test\n")
    moved = replace(district.sources[0], url=f"{district.url}/other")
    with compiled((moved,), district.lists, district.act):
        pass
    assert district.covers("other.test")


def test_a_held_update_for_other_settings_is_refused(district: District) -> None:
    district.says(*BEFORE, "github.io").update()
    district.category = "games"
    with pytest.raises(ListRefused, match="older than the settings in force; run: breakwater lists update"):
        district.apply()


class NoRoom(ListsRefused):
    """The usage log has no room."""


def full(*_: object) -> None:
    raise NoRoom("no room")


def test_what_cannot_be_recorded_is_not_put_in_force(district: District) -> None:
    before = current(district.lists)
    with pytest.raises(NoRoom):
        district.says(*BEFORE, "casino.test").update(record=full)
    assert current(district.lists) == before
    assert len(history(district.lists)) == 1
    district.says(*BEFORE, "github.io").update()
    with pytest.raises(NoRoom):
        district.apply(record=full)
    assert district.waits()  # it still waits
    district.apply()
    with pytest.raises(NoRoom):
        rollback(district.sources, district.lists, replace(district.act, record=full))
    assert district.covers("x.github.io")


def settings_change(district: District, **how: object) -> None:
    other = ListSource("other", "domains", url=f"{district.url}/other", category="games")
    with compiled((*district.sources, other), district.lists, replace(district.act, **how)):  # type: ignore[arg-type]
        raise AssertionError("the settings would be written, and the lists not")


def test_settings_are_not_written_where_their_lists_cannot_be_recorded(district: District) -> None:
    district.answers["/other"] = body(b"other.test\n")
    with pytest.raises(NoRoom):
        settings_change(district, record=full)
    assert not district.covers("other.test")


def test_a_damaged_change_that_waits_does_not_stop_the_updates(district: District) -> None:
    district.says(*BEFORE, "github.io").update()
    for text in (b"{", b""):
        waiting = next((district.lists / "held").iterdir()) / "change.json"
        waiting.chmod(0o600)
        waiting.write_bytes(text)
        assert district.update() is Result.HELD
    assert district.waits()
    shards = next((district.lists / "held").iterdir()) / "shards"
    shards.chmod(0o600)
    shards.write_bytes(shards.read_bytes()[:-1])
    with pytest.raises(IndexRefused, match="truncated or damaged"):
        district.apply()
    assert not district.covers("x.github.io")


def test_only_what_was_looked_at_is_put_in_force(district: District) -> None:
    district.says(*BEFORE, "github.io").update()
    looked_at = held(district.lists)
    assert looked_at
    district.says(*BEFORE, "github.io", "aclu.org").update()  # at night, after a person has looked
    with pytest.raises(ListRefused, match="look at it: breakwater lists diff"):
        apply_held(district.sources, district.lists, district.act, looked_at.change.generation)
    assert not district.covers("x.github.io")


def test_what_a_person_chose_is_kept_however_old_it_is(district: District) -> None:
    for number in range(KEPT - 1):
        district.says(*BEFORE, f"casino{number}.test").update()
    rollback(district.sources, district.lists, district.act, "1")
    district.says(*BEFORE, "poker.test").update()
    district.apply()
    rollback(district.sources, district.lists, district.act)
    assert current(district.lists).name.startswith("000001-")


def test_a_generation_that_a_kill_left_is_no_choice_and_goes_away(district: District) -> None:
    left = district.lists / "generations" / "000002-0123456789abcdef"
    shutil.copytree(current(district.lists), left)
    with pytest.raises(ListRefused, match="there is no other one"):
        rollback(district.sources, district.lists, district.act, "2")
    district.says(*BEFORE, "casino.test").update()
    assert not left.exists()


def test_a_rollback_does_not_wait_for_an_update_which_then_changes_nothing(district: District) -> None:
    """The update finds that what it was compared with is not in force any more."""
    first = current(district.lists).name
    district.says(*BEFORE, "casino.test").update()

    def meanwhile(what: str, done: int, total: int | None) -> None:
        if (what, done) == ("comparison", 1):
            rollback(district.sources, district.lists, district.act)

    with pytest.raises(ListRefused, match="other lists have come into force since it was made"):
        district.says(*BEFORE, "casino.test", "poker.test").update(progress=meanwhile)
    assert current(district.lists).name == first


def test_the_visited_hosts_that_change_verdict_stand_in_the_change(district: District) -> None:
    changed = Verdicts((ChangedVerdict("casino.test", 12, "allow default", "block category.gambling"),), ("unread",))

    def verdicts(old: CategoryIndex, new: CategoryIndex) -> Verdicts:
        assert not old.lookup("casino.test")
        assert new.lookup("casino.test")
        return changed

    district.says(*BEFORE, "casino.test", "github.io").update(verdicts=verdicts)
    waiting = held(district.lists)
    assert waiting
    assert waiting.change.verdicts == changed


def test_a_rollback_puts_the_one_before_in_force_and_holds_what_comes_after(district: District) -> None:
    first = current(district.lists)
    district.says(*BEFORE, "casino.test").update()
    outcome = rollback(district.sources, district.lists, replace(district.act, reason="casino.test is ours"))
    assert current(district.lists) == first == outcome.generation.folder
    assert not district.covers("casino.test")
    assert district.recorded[-1][:2] == (first.name, "rollback")
    assert district.update() is Result.HELD  # the server still has it
    assert "the lists were rolled back on " in district.waits()[0]
    assert "casino.test is ours" in district.waits()[0]
    assert district.says(*BEFORE, "poker.test").update() is Result.HELD
    district.apply()
    assert district.says(*BEFORE, "poker.test", "dice.test").update() is Result.APPLIED


def test_a_compile_after_a_rollback_is_made_from_what_was_rolled_back_to(district: District) -> None:
    district.says(*BEFORE, "casino.test").update()
    rollback(district.sources, district.lists, district.act)
    compile_generation(district.sources, district.lists, district.act)
    assert not district.covers("casino.test")
    assert district.update() is Result.HELD  # a compile is no decision on the update


def test_a_rollback_to_a_generation_that_is_named(district: District) -> None:
    first = current(district.lists).name
    for number in range(3):
        district.says(*BEFORE, f"casino{number}.test").update()
    rollback(district.sources, district.lists, district.act, "2")
    assert district.covers("casino0.test")
    rollback(district.sources, district.lists, district.act, first)
    assert not district.covers("casino0.test")
    with pytest.raises(ListRefused, match="before this one"):  # never forth again
        rollback(district.sources, district.lists, district.act)
    rollback(district.sources, district.lists, district.act, "2")
    assert district.covers("casino0.test")


@pytest.mark.parametrize("name", ["9", "nonsense", "", "../../x", "0"])
def test_a_rollback_to_what_is_not_kept_is_refused(district: District, name: str) -> None:
    with pytest.raises(ListRefused, match=r"no generation .* is kept"):
        rollback(district.sources, district.lists, district.act, name or None)


def test_five_generations_are_kept_with_what_they_were_made_from(district: District) -> None:
    for number in range(KEPT + 2):
        district.says(*BEFORE, f"casino{number}.test").update()
    assert len(kept(district.lists)) == KEPT
    assert all((folder / "downloads" / "mine").read_bytes() for folder in kept(district.lists))


def test_a_second_rollback_goes_further_back(district: District) -> None:
    for number in range(2):
        district.says(*BEFORE, f"casino{number}.test").update()
    for number in (2, 1):
        rollback(district.sources, district.lists, district.act)
        assert current(district.lists).name.startswith(f"00000{number}-")


def test_a_damaged_generation_in_force_does_not_stop_a_rollback(district: District) -> None:
    first = current(district.lists)
    district.says(*BEFORE, "casino.test").update()
    (current(district.lists) / "meta.json").unlink()
    rollback(district.sources, district.lists, district.act)
    assert current(district.lists) == first


def test_a_rollback_for_other_settings_is_refused(district: District) -> None:
    district.says(*BEFORE, "casino.test").update()
    district.category = "games"
    with pytest.raises(ListRefused, match="other settings; for these there is no other one"):
        rollback(district.sources, district.lists, district.act)


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[District]:
    answers: dict[str, Answer] = {}
    with serving(answers) as url:
        found = District(tmp_path / "floor" / "lists", answers, url, "pornography")
        (tmp_path / "floor").mkdir()
        found.says(*BEFORE).update()
        yield found


def test_no_person_lets_a_floor_shrink_by_more_than_a_fifth(floor: District) -> None:
    """Invariant 1: it is refused, not held; and no rollback brings it."""
    with pytest.raises(FloorRefused):
        floor.says(*BEFORE[:79]).update()
    with pytest.raises(FloorRefused):
        floor.says().update()
    assert held(floor.lists) is None
    floor.says(*BEFORE, *(f"new{number}.test" for number in range(26))).update()
    floor.apply()
    with pytest.raises(FloorRefused):
        rollback(floor.sources, floor.lists, floor.act)
    assert floor.covers("new0.test")
