from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.usage_log.stored import files_limited_to
from usage_log.pseudonyms import KeyRefused, Pseudonyms, period_of

if TYPE_CHECKING:
    from pathlib import Path


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


NOVEMBER, LATE_NOVEMBER, DECEMBER = at("2026-11-01T00:00"), at("2026-11-30T23:59:59"), at("2026-12-01T00:00")


def test_a_person_is_one_pseudonym_in_a_month_and_another_in_the_next(tmp_path: Path) -> None:
    first = Pseudonyms(tmp_path / "keys").of("jane.roe", NOVEMBER)
    again = Pseudonyms(tmp_path / "keys")
    assert again.of("jane.roe", LATE_NOVEMBER) == first
    assert again.of("jane.roe", DECEMBER) != first
    assert again.of("john.doe", NOVEMBER) != first
    assert re.fullmatch(r"[a-z2-7]{12}", first)


def test_another_installation_has_other_pseudonyms(tmp_path: Path) -> None:
    assert Pseudonyms(tmp_path / "a").of("jane.roe", NOVEMBER) != Pseudonyms(tmp_path / "b").of("jane.roe", NOVEMBER)


def test_a_period_is_a_calendar_month_in_utc() -> None:
    assert [period_of(time) for time in (NOVEMBER, LATE_NOVEMBER, DECEMBER)] == ["2026-11", "2026-11", "2026-12"]


def test_keys_are_random_private_and_one_a_month(tmp_path: Path) -> None:
    names = Pseudonyms(tmp_path / "keys")
    for time in (NOVEMBER, LATE_NOVEMBER, DECEMBER):
        names.of("jane.roe", time)
    keys = sorted((tmp_path / "keys").iterdir())
    assert [path.name for path in keys] == ["2026-11.key", "2026-12.key"]
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert len({path.read_bytes() for path in keys}) == 2
    assert {len(path.read_bytes()) for path in keys} == {32}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    Pseudonyms(tmp_path).of("jane.roe", NOVEMBER)
    (tmp_path / "2026-11.key").chmod(mode)
    with pytest.raises(KeyRefused, match=r"2026-11\.key: others may read this key: chmod 600"):
        Pseudonyms(tmp_path).of("jane.roe", NOVEMBER)


@pytest.mark.parametrize("content", [b"", b"k" * 31, b"k" * 33, b"k" * 5_000_000])
def test_a_key_of_the_wrong_length_is_refused_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "2026-11.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyRefused, match="has 32 bytes"):
        Pseudonyms(tmp_path).of("jane.roe", NOVEMBER)
    assert path.read_bytes() == content


def test_processes_that_begin_a_month_at_once_agree_on_its_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda _: Pseudonyms(tmp_path).of("jane.roe", NOVEMBER), range(32)))
    assert len(set(names)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["2026-11.key"]


def test_a_key_that_finds_no_room_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        files_limited_to(16),
        pytest.raises(KeyRefused, match=r"2026-11\.key: .* cannot be made: .*: .* make room") as refused,
    ):
        Pseudonyms(tmp_path / "keys").of("jane.roe", NOVEMBER)
    assert "\n" not in str(refused.value)
    assert list((tmp_path / "keys").iterdir()) == []
