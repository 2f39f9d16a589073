from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories.download_state import Validators, drop, keep_state, state_of, validators_of

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://list.test/?token=secret"
OLD, NEW = "Sun, 01 Nov 2026 10:00:00 GMT", "Sun, 01 Nov 2026 10:00:59 GMT"


@pytest.mark.parametrize(
    ("headers", "for_a_part"),
    [
        ({"ETag": '"a"'}, '"a"'),
        ({"ETag": 'W/"a"'}, None),
        ({"ETag": 'W/"a"', "Last-Modified": OLD, "Date": "Mon, 02 Nov 2026 10:00:00 GMT"}, None),  # RFC 9110, 13.1.5
        ({"ETag": "a"}, None),
        ({"ETag": '"a\tb"'}, None),
        ({"ETag": f'"{"a" * 2000}"'}, None),
        ({"Last-Modified": OLD, "Date": "Mon, 02 Nov 2026 10:00:00 GMT"}, OLD),
        ({"Last-Modified": OLD, "Date": NEW}, None),  # it may have changed again in that minute
        ({"Last-Modified": OLD}, None),
        ({"Last-Modified": "yesterday", "Date": NEW}, None),
        ({"Last-Modified": OLD, "Date": "today"}, None),
        ({"Last-Modified": "Sun, 01 Nov 2026 10:00:00 -0000", "Date": NEW}, None),  # a time of no zone
        ({}, None),
    ],
    ids=[
        *("strong", "weak", "weak and a time", "no quotes", "control character", "too long", "a settled time"),
        *("a fresh time", "no date", "no time", "no date either", "no zone", "nothing"),
    ],
)
def test_what_may_vouch_for_a_part(headers: dict[str, str], for_a_part: str | None) -> None:
    assert validators_of(headers).for_a_part == for_a_part


@given(st.dictionaries(st.sampled_from(["ETag", "Last-Modified", "Date"]), st.text(max_size=60)))
def test_whatever_the_headers_are_validators_can_be_sent_back(headers: dict[str, str]) -> None:
    found = validators_of(headers)
    assert all(value is None or value.isprintable() for value in (found.etag,))
    assert found.time is None or found.time.tzinfo


def test_the_time_of_a_list() -> None:
    assert validators_of({"Last-Modified": OLD}).time == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert Validators().time is None


def test_what_is_kept_is_known_again_and_holds_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "mine"
    file.write_text("a.test\n")
    validators = Validators('"a"', OLD, settled=True)
    keep_state(file, URL, validators)
    found = state_of(file, URL)
    assert found is not None
    assert found.validators == validators
    assert "secret" not in (tmp_path / "mine.json").read_text()
    drop(file)
    drop(file)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["", "{", "[]", "7", "null", "{}", '{"url": 1}', "[" * 100_000, "\xff"])
def test_a_damaged_state_is_none(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "mine"
    file.write_text("a.test\n")
    keep_state(file, URL, Validators())
    (tmp_path / "mine.json").write_text(damage, encoding="latin-1")
    assert state_of(file, URL) is None


@pytest.mark.parametrize("validators", [7, {"etag": "a", "unknown": 1}, None])
def test_a_state_of_another_version_is_none(tmp_path: Path, validators: object) -> None:
    file = tmp_path / "mine"
    file.write_text("a.test\n")
    keep_state(file, URL, Validators())
    body = json.loads((tmp_path / "mine.json").read_text())
    (tmp_path / "mine.json").write_text(json.dumps({**body, "validators": validators}))
    assert state_of(file, URL) is None


def test_another_file_another_address_or_no_file_is_not_known(tmp_path: Path) -> None:
    file = tmp_path / "mine"
    file.write_text("a.test\n")
    keep_state(file, URL, Validators())
    assert state_of(file, URL) is not None
    assert state_of(file, "https://list.test/") is None
    file.write_text("b.test\n")
    assert state_of(file, URL) is None
    file.unlink()
    assert state_of(file, URL) is None
