from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from categories.rows import LINE, LINE_BITS, Rows
from categories.shards import build_shard, shards

if TYPE_CHECKING:
    import random
    from pathlib import Path

    import pytest

    from categories.shards import BuiltShard

keys = st.sampled_from(["tset.", "tset.a.", "tset.a./", "tset.a./x", "tset.b.", "1.2.0.291./"])
rows = st.lists(st.tuples(keys, st.integers(0, 5), st.integers(1, LINE)), max_size=40)


def built(folder: Path, number: int, found: list[tuple[str, int, int]], at_once: int = 100) -> BuiltShard:
    for start in range(0, len(found), at_once):
        some = Rows()
        for key, entry_class, line in found[start : start + at_once]:
            some.keys[number].append(key)
            some.postings[number].append(entry_class << LINE_BITS | line)
        some.write(folder)
    return build_shard(folder, number)


@given(rows, st.integers(1, 7), st.randoms(use_true_random=False))
def test_a_shard_has_the_first_line_of_each_class_whatever_the_order(
    tmp_path_factory: pytest.TempPathFactory, found: list[tuple[str, int, int]], at_once: int, chance: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("shard")
    one = built(folder, 3, found)
    data = one.path.read_bytes()
    chance.shuffle(found)
    other = built(folder, 3, found, at_once)
    assert other.path.read_bytes() == data
    assert (one.size, one.repeated) == (other.size, other.repeated)

    first: dict[str, dict[int, int]] = {}
    for key, entry_class, line in sorted(found, key=lambda row: row[2]):
        first.setdefault(key, {}).setdefault(entry_class, line)
    (shard,) = shards(memoryview(data), [one.size])
    assert {key: list(postings) for key, postings in shard.items()} == {
        key: [entry_class << LINE_BITS | line for entry_class, line in sorted(lines.items())]
        for key, lines in first.items()
    }
    assert one.repeated.total() == len(found) - sum(map(len, first.values()))


def test_shards_stand_one_after_the_other(tmp_path: Path) -> None:
    parts = [built(tmp_path, number, [(f"tset.{number}.", number, 7)]) for number in (1, 2)]
    parts.append(built(tmp_path, 3, []))
    data = b"".join(part.path.read_bytes() for part in parts)
    assert len(data) % 8 == 0
    found = [list(shard.items()) for shard in shards(memoryview(data), [part.size for part in parts])]
    assert found == [[("tset.1.", (1 << LINE_BITS | 7,))], [("tset.2.", (2 << LINE_BITS | 7,))], []]
