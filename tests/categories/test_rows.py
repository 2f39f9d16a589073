from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories.entries import Covers
from categories.keys import entry_key, request_keys, without_service
from categories.rows import SHARDS, Rows, remove_rows, rows_of, shard_of

if TYPE_CHECKING:
    from pathlib import Path

labels = st.sampled_from(["a", "b", "www", "web1", "co", "uk", "test"])
names = st.lists(labels, min_size=2, max_size=6).map(".".join)


@given(names)
def test_a_host_has_the_shard_of_all_that_may_cover_it(host: str) -> None:
    parents = [host.split(".", cut)[-1] for cut in range(host.count("."))]
    assert {shard_of(parent) for parent in parents} == {shard_of(host)}
    assert shard_of(without_service(host)) == shard_of(host)


@given(names, st.sampled_from(["/", "/a/b"]))
def test_every_key_that_is_asked_for_is_in_that_shard(host: str, path: str) -> None:
    assert entry_key(host, Covers.PREFIX, path) in request_keys(host, path, "")
    assert shard_of(without_service(host)) == shard_of(host)


@pytest.mark.parametrize("host", ["localhost", "192.0.2.1", "2001:db8::1", "::1", "a.test"])
def test_every_host_has_a_shard(host: str) -> None:
    assert 0 <= shard_of(host) < SHARDS


def test_shards_are_of_like_size() -> None:
    count = 20_000
    sizes = [0] * SHARDS
    for number in range(count):
        sizes[shard_of(f"www.made-up-{number}.test")] += 1
    assert max(sizes) < 1.3 * count / SHARDS


def test_rows_come_back_and_are_removed(tmp_path: Path) -> None:
    for batch in range(2):
        rows = Rows()
        for shard, key in ((1, "tset.a."), (11, "tset.b."), (1, "tset.c./x")):
            rows.keys[shard].append(key)
            rows.postings[shard].append((5 << 32) + batch)
        rows.write(tmp_path)
    assert sorted(rows_of(tmp_path, 1)) == [
        ("tset.a.", 5 << 32),
        ("tset.a.", (5 << 32) + 1),
        ("tset.c./x", 5 << 32),
        ("tset.c./x", (5 << 32) + 1),
    ]
    remove_rows(tmp_path, 1)
    assert list(rows_of(tmp_path, 1)) == []
    assert len(list(rows_of(tmp_path, 11))) == 2
