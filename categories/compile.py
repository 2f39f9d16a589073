"""Compile lists to an index: parse every file into rows on disk, then build a shard after the other from them.

Both are done by a pool, a process a core: 6 M keys in one trie took a second minute and twice the memory
(docs/decisions/0012). An index is made in a new folder and its files are never written again: workers have them mapped
into memory.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from categories.expression_index import write_expressions
from categories.meta import META_FILE, EntryClass, IndexMeta, ListSummary, to_json
from categories.pool import cores, pool
from categories.rows import SHARDS
from categories.shards import build_shard
from categories.sources import digest_of
from categories.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from categories.pool import Pool
    from categories.shards import BuiltShard
    from categories.spool import ListAtHand, Progress

#: The shards, one after the other.
SHARDS_FILE = "shards"

#: Lists of less than this are compiled here, in bytes: starting processes would take longer.
SMALL = 4 * 1024**2
_CHUNK = 1 << 20


def compile_index(
    lists: Sequence[ListAtHand], folder: Path, progress: Progress, processes: int | None = None
) -> IndexMeta:
    """Write an index of `lists` into `folder`, which is empty. Raises ListRefused for a list that cannot be used.

    `processes` is how many do it beside this one, 0 for none; without it, what the lists' size and the cores suggest.
    The same lists make the same files, whatever it is.
    """
    work = folder / "rows"
    work.mkdir()
    with pool(_processes(lists) if processes is None else processes) as workers:
        spool = Spool(work, workers, progress)
        for item in lists:
            spool.add(item)
        built = _built(work, workers, progress)
    files = {SHARDS_FILE: _joined(built, folder)} | write_expressions(spool.expressions, folder)
    work.rmdir()
    counts = _distinct(spool.rows, built)
    classes = tuple(spool.classes)
    summaries = tuple(_counted(number, summary, classes, counts) for number, summary in enumerate(spool.lists))
    sources = digest_of(item.source for item in lists)
    sizes = tuple(shard.size for shard in built)
    meta = IndexMeta(datetime.now(UTC), sources, files, sizes, classes, summaries)
    (folder / META_FILE).write_bytes(to_json(meta))
    return meta


def _processes(lists: Sequence[ListAtHand]) -> int:
    paths = (part.path for item in lists for part in item.opened.parts)
    size = sum(path.stat().st_size for path in paths if path.is_file())
    return 0 if size < SMALL else cores()


def _built(work: Path, workers: Pool, progress: Progress) -> list[BuiltShard]:
    built = []
    progress("index", 0, SHARDS)
    for future in [workers.submit(build_shard, work, number) for number in range(SHARDS)]:
        built.append(future.result())
        progress("index", len(built), SHARDS)
    return built


def _joined(built: Sequence[BuiltShard], folder: Path) -> tuple[int, str]:
    """Put the shards into one file; give its size and SHA-256. Fewer files are sooner safe on the disk."""
    digest = hashlib.sha256()
    with (folder / SHARDS_FILE).open("wb") as file:
        for shard in built:
            with shard.path.open("rb") as source:
                for chunk in iter(partial(source.read, _CHUNK), b""):
                    digest.update(chunk)
                    file.write(chunk)
            shard.path.unlink()
        return file.tell(), digest.hexdigest()


def _distinct(rows: Counter[int], built: Sequence[BuiltShard]) -> Counter[int]:
    """Distinct entries by class."""
    return rows - sum((shard.repeated for shard in built), Counter())


def _counted(number: int, summary: ListSummary, classes: tuple[EntryClass, ...], counts: Counter[int]) -> ListSummary:
    """The summary with distinct entries counted: those that block, by category, and the white ones."""
    black: Counter[str] = Counter()
    white = 0
    for index, entry_class in enumerate(classes):
        if entry_class.list == number and entry_class.white:
            white += counts[index]
        elif entry_class.list == number:
            black[entry_class.category] += counts[index]
    return replace(summary, entries=black.total() + white, white=white, counts=dict(sorted((+black).items())))
