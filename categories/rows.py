"""What parsers found, on its way into the shards: files of keys and of postings, a pair for each shard and process.

A posting says who has a key: the number of its class and its line. Keys and postings lie in the same order.
"""

from __future__ import annotations

import os
from array import array
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Each holds about 190,000 of 6 million keys: a trie of them is built, and asked, in the processor's cache.
SHARDS = 32

#: A posting is the number of the class, then that of the line in this many bits.
LINE_BITS = 32
LINE = (1 << LINE_BITS) - 1


def shard_of(host: str) -> int:
    """The shard of a host and of all that may cover it: no entry covers more than what its last two labels name."""
    dot = host.rfind(".")
    tail = host[host.rfind(".", 0, dot) + 1 :] if dot > 0 else host
    return crc32(tail.encode()) % SHARDS


class Rows:
    """Rows that are not yet on the disk, by shard."""

    def __init__(self) -> None:
        self.keys: list[list[str]] = [[] for _ in range(SHARDS)]
        self.postings: list[list[int]] = [[] for _ in range(SHARDS)]

    def write(self, folder: Path) -> None:
        """Append them to the files of this process."""
        for shard, keys in enumerate(self.keys):
            if keys:
                name = f"{shard}.{os.getpid()}"
                with (folder / f"{name}.keys").open("ab") as file:
                    file.write("\n".join((*keys, "")).encode("ascii"))
                with (folder / f"{name}.postings").open("ab") as file:
                    file.write(array("Q", self.postings[shard]))


def rows_of(folder: Path, shard: int) -> Iterator[tuple[str, int]]:
    """Key and posting of every row of a shard, in no order that means anything."""
    for path in folder.glob(f"{shard}.*.keys"):
        keys = path.read_text("ascii").split("\n")[:-1]
        postings = array("Q", path.with_suffix(".postings").read_bytes())
        yield from zip(keys, postings, strict=True)


def remove_rows(folder: Path, shard: int) -> None:
    """Remove the files of a shard's rows, once they have been used."""
    for path in folder.glob(f"{shard}.*"):
        path.unlink()
