from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.usage_log.records import record
from tests.usage_log.stored import store
from usage_log import visits
from usage_log.day_files import day_path
from usage_log.record import DecisionRecord, unrecorded_row
from usage_log.visits import TOLD_FROM, Visited, visited_hosts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime.now(UTC)
TODAY = NOW.replace(hour=0, minute=0, second=1, microsecond=0)
PEOPLE = ("ann", "bob", "cem", "dot", "eve")


def visit(host: str, user: str | None, at: datetime = TODAY, **changes: Any) -> DecisionRecord:
    return record(host=host, user=user, time=int(at.timestamp()) * 1_000_000, **changes)


def by(host: str, count: int, **changes: Any) -> list[DecisionRecord]:
    """As many people at a host, each once."""
    return [visit(host, user, **changes) for user in PEOPLE[:count]]


def told(state_dir: Path, since: datetime = TODAY, **options: Any) -> tuple[Visited, ...]:
    return visited_hosts(state_dir, since, now=NOW, **options).hosts


def test_a_host_that_one_or_two_people_visited_is_never_told(tmp_path: Path) -> None:
    often = [visit("two.test", user) for user in ("ann", "bob") * 50]
    store(tmp_path, *by("one.test", 1), *often, *by("three.test", 3), *by("five.test", 5))
    assert told(tmp_path) == (Visited("five.test", 5, 5), Visited("three.test", 3, 3))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("a.test", "b.test", "c.test")),
            st.sampled_from((*PEOPLE, None)),
            st.sampled_from(("10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4")),
            st.integers(0, 3),
        ),
        max_size=60,
    )
)
def test_people_are_counted_as_a_plain_count_does(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str | None, str, int]]
) -> None:
    state_dir = tmp_path_factory.mktemp("log")
    store(state_dir, *(visit(host, user, TODAY - timedelta(days=ago), client=ip) for host, user, ip, ago in rows))
    assert set(told(state_dir, TODAY - timedelta(days=5))) == set(_plainly(rows))


def _plainly(rows: list[tuple[str, str | None, str, int]]) -> Iterator[Visited]:
    for host in {row[0] for row in rows}:
        own = [row for row in rows if row[0] == host]
        named = {user for _, user, _, _ in own if user}
        of_a_day = [{ip for _, user, ip, ago in own if user is None and ago == day} for day in range(4)]
        people = max(len(named), *map(len, of_a_day))
        if people >= TOLD_FROM:
            yield Visited(host, people, len(own))


def test_where_nobody_is_named_somebody_with_a_new_address_each_day_is_one(tmp_path: Path) -> None:
    for ago in range(5):
        visits_of_a_day = [visit("roams.test", None, TODAY - timedelta(days=ago), client=f"10.1.0.{ago}")]
        visits_of_a_day += [
            visit("all.test", None, TODAY - timedelta(days=ago), client=f"10.1.0.{n}") for n in range(4)
        ]
        store(tmp_path / str(ago), *visits_of_a_day)
        (tmp_path / "log").mkdir(exist_ok=True)
        for path in (tmp_path / str(ago) / "log").glob("*.db"):
            path.rename(tmp_path / "log" / path.name)
    assert told(tmp_path, TODAY - timedelta(days=9)) == (Visited("all.test", 4, 20),)


def test_named_and_unnamed_visits_may_be_the_same_people_and_are_not_added_up(tmp_path: Path) -> None:
    unnamed = [visit("site.test", None, client=f"10.1.0.{number}") for number in range(2)]
    store(tmp_path, *by("site.test", 2), *unnamed)
    assert told(tmp_path) == ()


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"action": "allow"}, True),
        ({"action": "monitor"}, True),
        ({"action": "passthrough"}, True),
        ({"action": "block", "reason": "category.malware", "category": "malware"}, True),
        ({"action": "challenge"}, False),
        ({"event": "end"}, False),
        ({"event": "lists"}, False),
        ({"host": ""}, False),
        ({"action": "block", "category": "child-abuse"}, False),
    ],
    ids=str,
)
def test_what_counts_as_visited(tmp_path: Path, changes: dict[str, Any], counts: bool) -> None:
    store(tmp_path, *by(**{"host": "site.test", "count": 3} | changes))
    assert bool(told(tmp_path)) is counts


def test_a_row_that_stands_for_many_requests_is_no_visit(tmp_path: Path) -> None:
    store(tmp_path, *by("site.test", 3), unrecorded_row(8328, int(TODAY.timestamp()) * 1_000_000, 1))
    assert told(tmp_path) == (Visited("site.test", 3, 3),)


def test_what_is_older_does_not_count_and_days_are_added_up(tmp_path: Path) -> None:
    before = TODAY - timedelta(days=1)
    store(tmp_path, *by("old.test", 5, at=before), *by("site.test", 2, at=before), visit("site.test", "cem"))
    assert told(tmp_path) == ()
    assert told(tmp_path, before) == (Visited("old.test", 5, 5), Visited("site.test", 3, 3))


def test_the_most_visited_are_told_where_there_are_too_many(tmp_path: Path) -> None:
    store(tmp_path, *by("three.test", 3), *by("five.test", 5), *by("four.test", 4))
    assert [found.host for found in told(tmp_path, most=2)] == ["five.test", "four.test"]


def test_no_person_and_no_path_leaves(tmp_path: Path) -> None:
    store(tmp_path, *by("site.test", 3, path="/private/letter", client="10.1.2.3"))
    said = repr(visited_hosts(tmp_path, TODAY, now=NOW))
    assert [secret for secret in (*PEOPLE, "letter", "10.1.2.3") if secret in said] == []


def test_a_damaged_day_is_said_and_the_others_count(tmp_path: Path) -> None:
    yesterday = TODAY - timedelta(days=1)
    store(tmp_path, *by("site.test", 3), *by("gone.test", 3, at=yesterday))
    path = day_path(tmp_path / "log", yesterday.date())
    path.write_bytes(b"no database" + path.read_bytes()[11:])
    found = visited_hosts(tmp_path, yesterday, now=NOW)
    assert found.hosts == (Visited("site.test", 3, 3),)
    assert found.unread == (f"{path}: file is not a database",)


def test_a_day_of_a_newer_schema_is_said(tmp_path: Path) -> None:
    store(tmp_path, *by("site.test", 3))
    database = sqlite3.connect(day_path(tmp_path / "log", TODAY.date()))
    database.execute("PRAGMA user_version = 99")
    database.close()
    found = visited_hosts(tmp_path, TODAY, now=NOW)
    assert found.hosts == ()
    assert "its schema is 99" in found.unread[0]


def test_days_without_a_file_are_said(tmp_path: Path) -> None:
    store(tmp_path, *by("site.test", 3))
    since = TODAY - timedelta(days=9)
    assert visited_hosts(tmp_path, since, now=NOW).unread == (f"no records of 9 of the 10 days since {since.date()}",)
    assert visited_hosts(tmp_path / "none", TODAY, now=NOW).unread == (
        f"no records of 1 of the 1 days since {TODAY.date()}",
    )


def test_the_newest_days_come_first_where_time_runs_out_and_it_is_said(tmp_path: Path) -> None:
    yesterday = TODAY - timedelta(days=1)
    store(tmp_path, *by("site.test", 3), *by("old.test", 3, at=yesterday))
    found = visited_hosts(tmp_path, yesterday, now=NOW, patience=-1)
    assert found.hosts == (Visited("site.test", 3, 3),)
    assert found.unread == (f"{tmp_path / 'log'}: no time for the oldest 1 of 2 days",)


def test_no_room_to_count_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> sqlite3.Connection:
        table = sqlite3.connect("", isolation_level=None)
        table.execute(visits._TABLE)
        table.execute("PRAGMA max_page_count = 3")
        return table

    monkeypatch.setattr(visits, "_table", full)
    store(tmp_path, *(visit(f"{number}.{'a' * 200}.test", "ann") for number in range(200)))
    found = visited_hosts(tmp_path, TODAY, now=NOW)
    assert found.hosts == ()
    assert found.unread == ("visits cannot be counted: database or disk is full: make room for temporary files",)
