from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from categories.entries import Covers
from categories.errors import IndexRefused
from categories.meta import META_FILE, EntryClass, IndexMeta, ListSummary, digest_of, read_meta, to_json
from categories.shards import ShardSize

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
UT1 = ListSummary("ut1", "ut1", NOW, "3f9a1c2e" * 8, 3, 1, 0, 0, {"pornography": 2}, ("a:1: NUL byte",), ("note",))
META = IndexMeta(
    NOW,
    "5" * 64,
    {"shards": (10, "0" * 64)},
    (ShardSize(2048, 80, 0), ShardSize(2048, 8, 24)),
    (EntryClass(0, "adult/domains", "pornography", Covers.DOMAIN, False),),
    (UT1,),
)


def written(folder: Path, text: bytes) -> Path:
    path = folder / f"000001-{digest_of(text)}"
    path.mkdir()
    (path / META_FILE).write_bytes(text)
    return path


def test_meta_comes_back_as_it_went(tmp_path: Path) -> None:
    assert read_meta(written(tmp_path, to_json(META))) == META


def test_a_version_is_date_and_digest() -> None:
    assert UT1.version == "2026-11-22 3f9a1c2e"


def test_floor_and_counts() -> None:
    mine = replace(UT1, name="mine", counts={"pornography": 1, "games": 5, "child-abuse": 1})
    assert mine.floor == {"pornography": 1, "child-abuse": 1}
    assert (mine.withheld, UT1.withheld) == (True, False)
    assert replace(META, lists=(UT1, mine)).counts["pornography"] == {"ut1": 2, "mine": 1}


@pytest.mark.parametrize(("key", "value"), [("shape", 0), ("byteorder", "little" if sys.byteorder == "big" else "big")])
def test_an_index_of_another_version_or_machine_is_refused(tmp_path: Path, key: str, value: object) -> None:
    text = json.dumps({**json.loads(to_json(META)), key: value}).encode()
    with pytest.raises(IndexRefused, match="another version or machine"):
        read_meta(written(tmp_path, text))
