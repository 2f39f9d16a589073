"""A collector that has just started knows what the one before it knew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.usage_log.records import record
from tests.usage_log.stored import store
from usage_log.attempt_alerts import record_of
from usage_log.attempts import Attempts, Rule, attempt_of
from usage_log.day_reader import LogUnreadable
from usage_log.frames import Stamped
from usage_log.past_attempts import recall

if TYPE_CHECKING:
    from pathlib import Path

    from usage_log.attempts import Alert
    from usage_log.record import DecisionRecord

MINUTE = 60_000_000
RULE = Rule(3, 10)
#: Half past midnight: the windows lie in two day files.
NOW = int(datetime(2026, 11, 23, 0, 5, tzinfo=UTC).timestamp()) * 1_000_000


def blocked(page: str, minutes_ago: float, **changes: object) -> DecisionRecord:
    at = NOW - int(minutes_ago * MINUTE)
    return record(
        **{"time": at, "path": f"/{page}", "action": "block", "reason": "category.gambling", "user": "ana"} | changes
    )


def counted(*rows: DecisionRecord) -> tuple[Attempts, list[Alert]]:
    """What a collector that never ended would know."""
    attempts, alerts = Attempts(RULE), []
    for row in rows:
        attempt = attempt_of(Stamped("n1", 0, 1, 1, row))
        if attempt is not None and (alert := attempts.add(attempt)) is not None:
            alerts.append(alert)
    return attempts, alerts


def remembered(state_dir: Path) -> tuple[Attempts, list[Alert]]:
    attempts = Attempts(RULE)
    return attempts, recall(state_dir / "log", attempts, NOW)


def completes(attempts: Attempts, minutes_ago: float = 0) -> bool:
    last = attempt_of(Stamped("n1", 0, 1, 1, blocked("last", minutes_ago)))
    assert last is not None
    return attempts.add(last) is not None


def test_attempts_before_the_start_count(tmp_path: Path) -> None:
    store(tmp_path, blocked("a", 9), blocked("b", 4), blocked("b", 3))
    attempts, owed = remembered(tmp_path)
    assert owed == []
    assert completes(attempts)


def test_old_ones_do_not(tmp_path: Path) -> None:
    store(tmp_path, blocked("a", 11), blocked("b", 4))
    assert not completes(remembered(tmp_path)[0])


def test_other_rows_do_not(tmp_path: Path) -> None:
    store(
        tmp_path,
        blocked("a", 4, intent="subresource"),
        blocked("b", 4, reason="upstream.dns"),
        blocked("c", 4, action="allow"),
        blocked("d", 4, user=None),
        blocked("e", 4, user="ben"),
        blocked("f", 4, event="end"),
        blocked("g", 4, reason="identity.required"),
    )
    assert len(remembered(tmp_path)[0]) == 1


def test_an_alert_that_was_told_is_not_told_again(tmp_path: Path) -> None:
    rows = [blocked(page, 9 - number) for number, page in enumerate("abc")]
    _, [alert] = counted(*rows)
    store(tmp_path, *rows, record_of(alert, 1), blocked("d", 2), blocked("e", 1))
    attempts, owed = remembered(tmp_path)
    assert owed == []
    assert not completes(attempts)


def test_an_alert_of_before_keeps_a_person_quiet(tmp_path: Path) -> None:
    _, [alert] = counted(*[blocked(page, 23 + number) for number, page in enumerate("abc")])
    store(tmp_path, record_of(alert, 1), *[blocked(page, 19 - number) for number, page in enumerate("defg")])
    assert remembered(tmp_path)[1] == []


def test_an_alert_that_a_kill_took_is_owed(tmp_path: Path) -> None:
    rows = [blocked(page, 9 - number) for number, page in enumerate("abc")]
    store(tmp_path, *rows)
    [alert] = remembered(tmp_path)[1]
    assert (alert.user, alert.time, alert.records) == ("ana", rows[2].time, tuple(row.id for row in rows))


def test_an_alert_that_was_counted_in_another_order_is_not_owed(tmp_path: Path) -> None:
    late = blocked("late", 6.5)
    rows = [blocked("a", 8), blocked("b", 7), blocked("c", 6), late]
    _, [alert] = counted(*rows)
    store(tmp_path, *rows, record_of(alert, 1))
    assert remembered(tmp_path)[1] == []


def test_no_log_is_no_attempt(tmp_path: Path) -> None:
    assert remembered(tmp_path)[1] == []


def test_a_log_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "2026-11-23.db").write_bytes(b"x" * 5000)
    with pytest.raises(LogUnreadable):
        remembered(tmp_path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 38)), max_size=25))
def test_whenever_it_ends_the_next_one_goes_on_as_if_nothing_had_been(
    tmp_path_factory: pytest.TempPathFactory, given: list[tuple[str, int]]
) -> None:
    """In the order of time, what a new one knows and what the old one knew lead to the same next alert."""
    folder = tmp_path_factory.mktemp("state")
    rows = [blocked(page, minutes) for page, minutes in sorted(given, key=lambda one: -one[1])]
    old, alerts = counted(*rows)
    store(folder, *rows, *[record_of(alert, 1) for alert in alerts])
    new, owed = remembered(folder)
    assert owed == []
    for page in "vwx":
        row = Stamped("n1", 0, 1, 1, replace(blocked(page, 0), id=page))
        attempt = attempt_of(row)
        assert attempt is not None
        assert old.add(attempt) == new.add(attempt)
