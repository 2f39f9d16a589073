"""What counts as an attempt, and when enough of them are an alert."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.usage_log.records import record
from usage_log import attempts
from usage_log.attempts import Attempt, Attempts, Rule, attempt_of, page_of
from usage_log.frames import Stamped

MINUTE = 60_000_000
THREE = Rule(3, 10)


def tried(page: str, minute: float, user: str = "ana") -> Attempt:
    return Attempt(user, int(minute * MINUTE), page_of("site.test", page), f"{user} {page} {minute}")


def alerts(rule: Rule, *pages: Attempt) -> list[tuple[str, int, int]]:
    counted = Attempts(rule)
    found = [alert for page in pages if (alert := counted.add(page)) is not None]
    return [(alert.user, alert.time // MINUTE, len(alert.records)) for alert in found]


ROWS = {
    "a page that is blocked": ({}, True),
    "a bypass": ({"reason": "bypass.web-proxy"}, True),
    "peer-to-peer": ({"reason": "p2p.bittorrent"}, True),
    "a picture on a page": ({"intent": "subresource"}, False),
    "a page that the browser fetched ahead": ({"intent": "prefetch"}, False),
    "a program in the background": ({"intent": "background"}, False),
    "a page that is allowed": ({"action": "allow"}, False),
    "a page that is only watched": ({"action": "monitor"}, False),
    "a certificate that is bad": ({"reason": "upstream.certificate"}, False),
    "a site that does not answer": ({"reason": "upstream.timeout"}, False),
    "a wrong password": ({"action": "challenge", "reason": "identity.password"}, False),
    "an account that is disabled": ({"reason": "identity.disabled"}, False),
    "a failure of ours": ({"reason": "error.hook"}, False),
    "a full log": ({"reason": "error.usage-log"}, False),
    "a mistyped address": ({"reason": "address.port"}, False),
    "what ITS blocked": ({"reason": "its-block"}, True),
    "a request for another site than its connection's": ({"reason": "address.mismatch"}, True),
    "a program that was to be downloaded": ({"reason": "download.program"}, False),
    "a reason that only begins alike": ({"reason": "category"}, False),
    "the end of what was blocked": ({"event": "end"}, False),
    "nobody named": ({"user": None}, False),
    "an alert": ({"event": "attempts", "action": "", "reason": "attempts.repeated"}, False),
}


@pytest.mark.parametrize("sentence", ROWS)
def test_what_is_an_attempt(sentence: str) -> None:
    changes, counts = ROWS[sentence]
    blocked = {"action": "block", "reason": "category.gambling", "intent": "navigate"}
    row = record(**blocked | changes)
    found = attempt_of(Stamped("n1", 0, 1, 1, row))
    assert (found is not None) is counts
    if found is not None:
        assert found == Attempt("jane.roe", row.time, page_of(row.host, row.path), row.id)


def test_different_pages_within_the_window_are_an_alert() -> None:
    assert alerts(THREE, tried("a", 0), tried("b", 4), tried("c", 9)) == [("ana", 9, 3)]


def test_fewer_are_none() -> None:
    assert alerts(THREE, tried("a", 0), tried("b", 4)) == []


def test_pages_too_far_apart_are_none() -> None:
    assert alerts(THREE, tried("a", 0), tried("b", 6), tried("c", 12), tried("d", 18)) == []


def test_the_window_slides() -> None:
    assert alerts(THREE, tried("a", 0), tried("b", 8), tried("c", 12), tried("d", 17)) == [("ana", 17, 3)]


def test_a_page_that_is_tried_again_counts_once() -> None:
    again = [tried("a", minute / 10) for minute in range(50)]
    assert alerts(THREE, *again, tried("b", 6)) == []
    assert alerts(THREE, *again, tried("b", 6), tried("c", 7)) == [("ana", 7, 3)]


def test_a_page_that_is_tried_again_counts_when_it_was_tried_last() -> None:
    assert alerts(THREE, tried("a", 0), tried("a", 9), tried("b", 9.5), tried("c", 10.5)) == [("ana", 10, 3)]
    assert alerts(THREE, tried("a", 9), tried("a", 0), tried("b", 9.5), tried("c", 10.5)) == [("ana", 10, 3)]


def test_people_are_counted_apart() -> None:
    assert alerts(THREE, tried("a", 0), tried("b", 1, "ben"), tried("c", 2), tried("d", 3, "ben")) == []


def test_one_alert_a_window_and_then_counting_begins_anew() -> None:
    busy = [tried(str(number), number) for number in range(40)]
    assert alerts(THREE, *busy) == [("ana", 2, 3), ("ana", 14, 3), ("ana", 26, 3), ("ana", 38, 3)]


def test_records_of_several_workers_come_in_any_order() -> None:
    assert alerts(THREE, tried("c", 9), tried("a", 0), tried("b", 4)) == [("ana", 9, 3)]
    assert alerts(THREE, tried("c", 30), tried("a", 0), tried("b", 4)) == []
    assert alerts(THREE, tried("c", 100), tried("b", 99), tried("a", 5)) == []
    assert alerts(THREE, tried("c", 100), tried("a", 5), tried("b", 5), tried("d", 6), tried("e", 6)) == []
    assert alerts(THREE, tried("c", 10), tried("b", 9), tried("a", 0)) == []


def test_an_alert_names_the_records_oldest_first() -> None:
    counted = Attempts(THREE)
    for page in (tried("b", 2), tried("a", 1)):
        counted.add(page)
    alert = counted.add(tried("c", 3))
    assert alert is not None
    assert alert.records == ("ana a 1", "ana b 2", "ana c 3")


def test_a_count_of_nothing_never_alerts() -> None:
    assert alerts(Rule(0, 10), *[tried(str(number), 0) for number in range(50)]) == []


def test_a_count_of_one_alerts_at_once() -> None:
    assert alerts(Rule(1, 10), tried("a", 0), tried("b", 1), tried("c", 11)) == [("ana", 0, 1), ("ana", 11, 1)]


def test_what_the_log_tells_keeps_a_person_quiet() -> None:
    counted = Attempts(THREE)
    counted.add(tried("a", 0))
    counted.told("ana", 1 * MINUTE)
    assert [counted.add(tried(str(number), 2 + number)) for number in range(9)] == [None] * 9
    assert len(counted) == 0


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PEOPLE", 20)
    monkeypatch.setattr(attempts, "KEPT", 50)
    counted = Attempts(Rule(100, 120))
    for number in range(1000):
        counted.add(tried(str(number), 0, f"user{number % 30}"))
        assert len(counted) <= 50
    assert len(counted._people) <= 20


@pytest.mark.parametrize("count", [0, 1, 3])
def test_no_rule_keeps_more_people_than_there_is_room_for(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PEOPLE", 20)
    counted = Attempts(Rule(count, 10))
    for number in range(100):
        counted.add(tried("a", number, f"user{number}"))
        counted.told(f"told{number}", number * MINUTE)
    assert len(counted._people) <= 20


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("vwxyz"), st.integers(0, 40)), max_size=60))
def test_there_is_never_a_second_alert_of_a_window_and_never_one_without_its_pages(
    given: list[tuple[str, str, int]],
) -> None:
    counted = Attempts(THREE)
    last: dict[str, int] = {}
    for user, page, minute in given:
        if (alert := counted.add(tried(page, minute, user))) is None:
            continue
        named = [name.split() for name in alert.records]
        minutes = [int(at) for _, _, at in named]
        assert {user for user, _, _ in named} == {user}
        assert len({page for _, page, _ in named}) == 3
        assert minutes == sorted(minutes)
        assert minutes[-1] * MINUTE == alert.time
        assert minutes[-1] - minutes[0] < THREE.minutes
        assert alert.time >= last.get(user, -THREE.window) + THREE.window
        last[user] = alert.time
    assert len(counted) == sum(len(person.attempts) for person in counted._people.values())
