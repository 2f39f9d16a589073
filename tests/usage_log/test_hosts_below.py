from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.usage_log.records import record
from tests.usage_log.stored import store
from usage_log import hosts_below as counting
from usage_log.day_files import day_path
from usage_log.hosts_below import hosts_below

if TYPE_CHECKING:
    from pathlib import Path

    from usage_log.record import DecisionRecord

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=1, microsecond=0)
DAY = timedelta(days=1)


def visit(host: str, at: datetime = TODAY, **changes: Any) -> DecisionRecord:
    return record(host=host, time=int(at.timestamp()) * 1_000_000, **changes)


def below(state_dir: Path, domain: str, besides: str = "", since: datetime = TODAY) -> int | None:
    return hosts_below(state_dir, since, [domain], besides).counts[domain]


def test_each_visited_host_counts_once_however_often_and_on_how_many_days(tmp_path: Path) -> None:
    hosts = ("casino.test", "a.casino.test", "b.a.casino.test", "mycasino.test", "casino.test.example")
    store(tmp_path, *(visit(host, TODAY - ago * DAY) for ago in (1, 0) for host in hosts * 3))
    assert below(tmp_path, "casino.test", since=TODAY - DAY) == 3
    assert below(tmp_path, "test", since=TODAY - DAY) == 4


@pytest.mark.parametrize(("hosts", "told"), [(0, None), (1, None), (2, None), (3, 3), (4, 4)])
def test_fewer_than_three_is_not_told(tmp_path: Path, hosts: int, told: int | None) -> None:
    store(tmp_path, visit("casino.test"), *(visit(f"h{number}.casino.test") for number in range(hosts)))
    assert below(tmp_path, "casino.test", besides="casino.test") == told


@pytest.mark.parametrize(
    "changes",
    [{"action": "challenge"}, {"event": "end"}, {"action": "block", "category": "child-abuse"}],
    ids=str,
)
def test_what_is_no_visit_does_not_count(tmp_path: Path, changes: dict[str, Any]) -> None:
    store(tmp_path, *(visit(f"h{number}.casino.test", **changes) for number in range(5)))
    assert below(tmp_path, "casino.test") is None


def test_what_is_older_does_not_count(tmp_path: Path) -> None:
    rows = [visit(f"h{number}.casino.test", TODAY - DAY + timedelta(hours=number)) for number in range(10)]
    store(tmp_path, *rows)
    assert below(tmp_path, "casino.test", since=TODAY - DAY + timedelta(hours=6)) == 4
    assert below(tmp_path, "casino.test") is None


_LABELS = st.lists(st.sampled_from(("a", "b", "ab", "x%", "_")), min_size=1, max_size=3).map(".".join)


@settings(max_examples=40, deadline=None)
@given(st.lists(_LABELS, min_size=1, max_size=30), st.sets(_LABELS, max_size=4), _LABELS)
def test_it_counts_as_a_plain_count_does(
    tmp_path_factory: pytest.TempPathFactory, hosts: list[str], domains: set[str], besides: str
) -> None:
    state_dir = tmp_path_factory.mktemp("log")
    store(state_dir, *map(visit, hosts))
    plain = {name: len({h for h in hosts if f".{h}".endswith(f".{name}")} - {besides}) for name in domains}
    found = hosts_below(state_dir, TODAY, domains, besides)
    assert found.counts == {name: count if count >= 3 else None for name, count in plain.items()}
    assert found.unread == ()


def test_nobody_fills_memory_with_made_up_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST", 10)
    store(tmp_path, *(visit(f"h{number}.casino.test") for number in range(50)))
    assert below(tmp_path, "casino.test") == 10


def test_a_damaged_day_is_said_and_the_others_count(tmp_path: Path) -> None:
    store(tmp_path, *(visit(f"h{number}.casino.test", TODAY - ago * DAY) for ago in (1, 0) for number in range(4)))
    path = day_path(tmp_path / "log", (TODAY - DAY).date())
    path.write_bytes(b"no database" + path.read_bytes()[11:])
    found = hosts_below(tmp_path, TODAY - DAY, ["casino.test"], "")
    assert found.counts == {"casino.test": 4}
    assert found.unread == (f"{path}: file is not a database",)


def test_the_newest_days_come_first_where_time_runs_out(tmp_path: Path) -> None:
    store(tmp_path, *(visit(f"h{ago}{number}.casino.test", TODAY - ago * DAY) for ago in (1, 0) for number in range(4)))
    found = hosts_below(tmp_path, TODAY - DAY, ["casino.test"], "", patience=-1)
    assert found.counts == {"casino.test": 4}
    assert found.unread == (f"{tmp_path / 'log'}: no time for the oldest 1 of 2 days",)


def test_without_a_log_or_a_domain_nothing_is_counted(tmp_path: Path) -> None:
    assert below(tmp_path, "casino.test") is None
    assert hosts_below(tmp_path, TODAY, [], "").counts == {}
