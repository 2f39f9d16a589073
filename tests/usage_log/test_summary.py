from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.usage_log.records import record
from tests.usage_log.stored import store
from usage_log.day_files import DAY
from usage_log.day_reader import Filter
from usage_log.record import DecisionRecord, new_id, nobodys_row, unrecorded_row
from usage_log.summary import Cell, Summary, summary

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def at(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def people(count: int, **changes: Any) -> list[DecisionRecord]:
    return [record(**({"time": at(NOON), "user": f"user{number}"} | changes)) for number in range(count)]


def cells(counted: Summary, dimension: str) -> dict[str, Cell]:
    return {cell.value: cell for cell in counted.cells[dimension]}


def test_counts_of_a_period_over_days_and_months(tmp_path: Path) -> None:
    december = NOON + timedelta(days=10)
    block = {"action": "block", "category": "gambling", "reason": "category.gambling", "school": "adams"}
    store(tmp_path, *people(6), *people(7, time=at(december), **block))
    counted = summary(tmp_path, Filter(), ZoneInfo("America/Los_Angeles"))
    assert (counted.first, counted.last) == (NOON, december)
    # the same six people came back in December under other pseudonyms, and are still seven
    assert (counted.records, counted.users, counted.bytes_in, counted.bytes_out) == (13, 7, 130, 13000)
    assert cells(counted, "action") == {"block": Cell("block", 7, 7, 70, 7000), "allow": Cell("allow", 6, 6, 60, 6000)}
    assert cells(counted, "category")["gambling"].records == 7
    assert cells(counted, "category")["none"].records == 6
    assert cells(counted, "school")["adams"].users == 7
    assert [cell.value for cell in counted.cells["hour"]] == ["2026-11-22T04:00-08:00", "2026-12-02T04:00-08:00"]
    assert summary(tmp_path, Filter(action="block")).records == 7


def test_a_cell_with_fewer_than_five_people_shows_no_figures(tmp_path: Path) -> None:
    store(tmp_path, *people(5, category="games"), *people(4, category="dating"), *people(4, category="dating"))
    by_category = cells(summary(tmp_path, Filter()), "category")
    assert by_category["games"] == Cell("games", 5, 5, 50, 5000)
    assert by_category["dating"] == Cell("dating", None, None, None, None)


def test_requests_without_a_record_of_their_own_are_counted_as_nobodys(tmp_path: Path) -> None:
    counts = [unrecorded_row(count, at(NOON), 7) for count in (8000, 328)]
    forged = record(time=at(NOON), user="user0", detail=counts[0].detail)  # of another reason: one request
    store(tmp_path, *people(4, action="block", reason="error.usage-log"), forged, *counts)
    counted = summary(tmp_path, Filter())
    assert (counted.unrecorded, counted.records, counted.users) == (8328, 5, 4)
    assert cells(counted, "reason")["error.usage-log"].records is None  # the row that counts is no fifth person
    assert summary(tmp_path, Filter(until=NOON)).unrecorded == 0


def test_what_was_done_to_the_lists_is_counted_apart_and_is_no_request(tmp_path: Path) -> None:
    done = [nobodys_row("lists", at(NOON) + day * DAY, 7, reason="lists.update") for day in (-1, 0, 1)]
    store(tmp_path, *sorted([*people(5), *done], key=lambda row: row.time))
    counted = summary(tmp_path, Filter())
    assert (counted.list_changes, counted.records, counted.users, counted.unrecorded) == (3, 5, 5, 0)
    assert (counted.first, counted.last) == (NOON, NOON)
    assert {cell.value for dimension in counted.cells.values() for cell in dimension}.isdisjoint({"lists.update", ""})
    assert summary(tmp_path, Filter(since=NOON)).list_changes == 2
    assert summary(tmp_path, Filter(school="lincoln")).list_changes == 0


def test_a_filter_that_singles_out_one_person_gives_no_cell(tmp_path: Path) -> None:
    store(tmp_path, *people(50), record(time=at(NOON), host="rare.test", user="jane.roe"))
    counted = summary(tmp_path, Filter(host="rare.test"))
    assert all(cell.records is None for row in counted.cells.values() for cell in row)


def test_requests_of_nobody_count_as_the_people_behind_their_addresses(tmp_path: Path) -> None:
    store(
        tmp_path,
        *people(9, user=None),
        *(record(time=at(NOON), user=None, action="block", client=f"10.0.0.{n}") for n in range(5)),
    )
    counted = summary(tmp_path, Filter())
    assert counted.users == 0
    assert cells(counted, "action")["allow"].records is None  # nine requests of one address
    assert cells(counted, "action")["block"] == Cell("block", 5, 0, 50, 5000)
    assert "10." not in str(counted)


def test_what_was_open_for_long_counts_once_with_its_last_figures(tmp_path: Path) -> None:
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    tunnel, over_midnight, killed = new_id(), new_id(), new_id()
    store(
        tmp_path,
        record(id=tunnel, time=at(NOON), bytes_out=100),
        record(id=over_midnight, time=at(midnight) - 1, bytes_out=100),
        record(id=killed, time=at(NOON), bytes_out=7),
        record(id=tunnel, time=at(NOON) + 60_000_000, event="end", bytes_out=5000),
        record(id=over_midnight, time=at(midnight) + 1, event="end", bytes_out=9000),
    )
    assert summary(tmp_path, Filter()).records == 3
    assert summary(tmp_path, Filter()).bytes_out == 14007
    assert (
        summary(tmp_path, Filter(until=midnight)).bytes_out == 5107
    )  # of the tunnel over midnight, what is known then
    assert summary(tmp_path, Filter(since=midnight)).records == 0


def test_nothing_recorded_is_zero(tmp_path: Path) -> None:
    counted = summary(tmp_path, Filter())
    assert (counted.records, counted.first, counted.cells["hour"]) == (0, None, ())
