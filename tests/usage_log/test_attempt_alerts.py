from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.usage_log.stored import store
from usage_log.attempt_alerts import REASON, Told, record_of, told_of
from usage_log.attempts import Alert, Rule
from usage_log.day_reader import Filter
from usage_log.frames import Stamped, decode, encode
from usage_log.queries import audit_rows
from usage_log.record import new_id

if TYPE_CHECKING:
    from pathlib import Path

TIME = 1_795_000_000_000_000


def alert(count: int = 10) -> Alert:
    return Alert("ana", TIME, Rule(count, 120), tuple(new_id() for _ in range(count)))


def test_the_row_names_nobody_but_the_user_and_no_place() -> None:
    row = record_of(alert(), 7)
    assert (row.event, row.reason, row.user, row.time, row.policy_revision) == ("attempts", REASON, "ana", TIME, 7)
    assert (row.host, row.path, row.client, row.page, row.school, row.action) == ("", "", "", None, None, "")


@pytest.mark.parametrize("count", [1, 15, 100])
def test_the_detail_is_kept_whole_by_the_spool(count: int) -> None:
    raised = alert(count)
    row, _ = decode(encode(Stamped("n1", 0, 1, 1, record_of(raised, 7))))
    assert told_of(row.record.detail) == Told(count, 120, raised.records[-15:])


def test_outside_a_case_it_shows_a_pseudonym_and_the_ids(tmp_path: Path) -> None:
    raised = alert(3)
    store(tmp_path, record_of(raised, 7))
    [row] = audit_rows(tmp_path, Filter(reason="attempts"))
    assert row.record.user not in (None, "ana")
    assert json.loads(row.record.detail or "") == {"attempts": 3, "minutes": 120, "records": list(raised.records)}


@pytest.mark.parametrize(
    "detail",
    [
        None,
        "",
        "ana went to casino.test",
        "[]",
        '{"attempts":3,"minutes":10,"records":["ana"]}',
        '{"attempts":3,"minutes":10,"records":[3]}',
        '{"attempts":3,"minutes":10}',
        '{"attempts":"x","minutes":10,"records":[]}',
    ],
)
def test_any_other_detail_is_withheld(detail: str | None, tmp_path: Path) -> None:
    assert told_of(detail) is None


@given(
    st.text()
    | st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)).map(
        json.dumps
    )
)
def test_hostile_text_is_no_alert(detail: str) -> None:
    told = told_of(detail)
    assert told is None or all(len(one) == 26 for one in told.records)


def test_a_line_for_a_table() -> None:
    ids = tuple(new_id() for _ in range(5))
    assert Told(12, 10, ids).line() == f"12 blocked pages within 10 minutes; the last records: {', '.join(ids[-3:])}"
