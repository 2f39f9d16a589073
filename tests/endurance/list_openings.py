"""Where strangers' bytes come in with the lists: every format, the archive of a tree, and the unpacker of gzip.

And what the detectors look at, which is read in the same way (detector_openings.py).
"""

from __future__ import annotations

import os
import random
import shutil
import time
import zlib
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from categories import streams
from categories.address import canonical_host
from categories.blocks import blocks, one_piece
from categories.declared import declared
from categories.formats import FORMATS, expressions
from categories.formats.entry import ParsedEntry
from categories.keys import entry_key
from categories.plain_names import take_plain
from categories.posix_syntax import BadExpression, translated
from categories.rows import Rows
from categories.sources import EXCEPTING, ListSource
from categories.streams import LINE_CAP
from categories.unpack import MEMBERS_CAP, unpack
from tests.endurance import download_opening, list_seeds
from tests.endurance.mutation import mutated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from categories.entries import Covers
    from categories.formats.entry import OpenedList, ParsedLine, Part

#: Most bytes that a file may unpack to in the fuzz, so that a bomb is quick, and most that a case may leave on disk.
UNPACKED = 8 * 2**20
LEFT = 2 * UNPACKED

_BLOCK = 300
_HEADER, _CHECKSUM = 512, slice(148, 156)


class Wrong(Exception):
    """Something was read that no list may give."""


@dataclass(frozen=True)
class ListOpening:
    """`bytes_of` makes case `number` of a run; `read` does with a file what the product does with a list.

    `memory` is how much address space it may take, in bytes: its own, and that of each process that it starts.
    """

    bytes_of: Callable[[int, int], bytes]
    read: Callable[[Path, Path], None]
    memory: int = 512 * 2**20


def openings() -> Mapping[str, ListOpening]:
    """Give every opening by its name."""
    streams.UNPACKED_CAP = UNPACKED
    flat = {name: ListOpening(_mutated(name), _flat(name)) for name in FORMATS if name != "ut1"}
    return {
        **flat,
        "expressions": ListOpening(_expressions, _translations, 4 * 2**30),
        "download": ListOpening(download_opening.bytes_of, download_opening.read),
        "ut1": ListOpening(_archive, _tree),
        "unpacker": ListOpening(_archive, _unpacker),
        "urls": ListOpening(_mutated("urls"), _urls),
        **{name: _of_detectors(name) for name in ("request", "message", "body")},
        "stream": _of_detectors("stream", "stream_openings"),
        "answer": _of_detectors("answer", "answer_openings"),
        "rewriting": _of_detectors("rewriting", "rewriting_openings"),
    }


def _of_detectors(name: str, file: str = "detector_openings") -> ListOpening:
    """What the detectors look at. They bring the proxy with them, which no other opening has to wait for."""

    def bytes_of(run: int, number: int) -> bytes:
        made: bytes = getattr(import_module(f"tests.endurance.{file}"), f"{name}_bytes")(run, number)
        return made

    def read(at: Path, scratch: Path) -> None:
        getattr(import_module(f"tests.endurance.{file}"), f"read_{name}")(at, scratch)

    return ListOpening(bytes_of, read)


def _mutated(name: str) -> Callable[[int, int], bytes]:
    """A list that was changed; now and then packed, in one piece or two, and then changed again."""

    def bytes_of(run: int, number: int) -> bytes:
        dice = random.Random(f"{run}/{number}/list")
        data = mutated(list_seeds.of_format(name), run, number, list_seeds.TOKENS)
        if dice.random() < 0.7:
            return data
        middle = dice.choice([0, len(data) // 2])
        data = list_seeds.packed(data[:middle]) + list_seeds.packed(data[middle:])
        return data if dice.random() < 0.5 else mutated([data], run, number, list_seeds.ARCHIVE_TOKENS)

    return bytes_of


def _expressions(run: int, number: int) -> bytes:
    return mutated(list_seeds.of_format("expressions"), run, number, list_seeds.EXPRESSION_TOKENS)


def _archive(run: int, number: int) -> bytes:
    """An archive that was changed inside, mostly with its check sums right again, mostly packed."""
    dice = random.Random(f"{run}/{number}/archive")
    data = mutated(list_seeds.archives(), run, number, list_seeds.ARCHIVE_TOKENS)
    if dice.random() < 0.8:
        data = resummed(data)
    if dice.random() < 0.7:
        data = list_seeds.packed(data)
        if dice.random() < 0.2:
            data = mutated([data], run, number, list_seeds.ARCHIVE_TOKENS)
    return data


def resummed(tar: bytes) -> bytes:
    """The same archive with the check sum of every header as it should be: otherwise nothing is read beyond one."""
    data = bytearray(tar)
    for start in range(0, len(data) - _HEADER + 1, _HEADER):
        header = data[start : start + _HEADER]
        if header[257:262] == b"ustar":
            header[_CHECKSUM] = b" " * 8
            header[_CHECKSUM] = f"{sum(header):06o}\0 ".encode()
            data[start : start + _HEADER] = header
    return bytes(data)


def _flat(name: str) -> Callable[[Path, Path], None]:
    def read(at: Path, scratch: Path) -> None:
        source = ListSource("mine", name, path=at, category="games")
        _every_line(FORMATS[name](source, at, scratch))
        if name in EXCEPTING:
            taken = ListSource("mine", name, path=at, category="games", white={"exceptions": "ITS"})
            _every_line(FORMATS[name](taken, at, scratch))
        declared(at, "list mine")

    return read


def _urls(at: Path, scratch: Path) -> None:
    (scratch / "games").mkdir()
    shutil.copy(at, scratch / "games" / "urls")
    source = ListSource("mine", "ut1", path=scratch, map={"games": "games"})
    _every_line(FORMATS["ut1"](source, scratch, scratch))


def _translations(at: Path, scratch: Path) -> None:
    """Say every line again for the engine; the engine itself, in processes of its own, gets one file in fifty."""
    for _, line in one_piece(at, "list mine"):
        try:
            said = translated(line.decode("utf-8", "replace")[:LINE_CAP])
        except BadExpression:
            continue
        if not said.isascii() or len(said) > 20 * LINE_CAP:
            raise Wrong(f"{said[:80]!a} is no expression of the engine")
    if zlib.crc32(at.read_bytes()) % 50 == 0:
        for parsed in expressions.parse(one_piece(at, "list mine")):
            if parsed.line < 1:
                raise Wrong(f"line {parsed.line}")


def _tree(at: Path, scratch: Path) -> None:
    source = ListSource("mine", "ut1", path=at, map={"adult": "pornography"})
    _every_line(FORMATS["ut1"](source, at, scratch))


def _unpacker(at: Path, scratch: Path) -> None:
    found = unpack(at, "list mine", scratch, lambda name: True)
    if len(found.files) > MEMBERS_CAP:
        raise Wrong(f"{len(found.files)} members")
    for name, path in found.files.items():
        if path.parent != scratch or not path.name.isdigit():
            raise Wrong(f"{name!a} was written to {path.name!a}")
        if name.startswith("/") or ".." in name.split("/"):
            raise Wrong(f"a member is called {name!a}")


def _every_line(opened: OpenedList) -> None:
    """Read every part, in one piece and, where that may be, in small blocks: both give the same."""
    for part in opened.parts:
        whole = list(part.parse(one_piece(part.path, part.file)))
        for parsed in whole:
            _check(part, parsed)
        if not part.in_one_piece:
            apart = [parsed for block in blocks(part.path, part.file, _BLOCK) for parsed in part.parse(block.lines)]
            if apart != whole:
                raise Wrong(f"{part.file} gives something else in blocks")
        if part.plain is not None and _at_a_look(part, part.plain) != _one_by_one(whole):
            raise Wrong(f"{part.file} gives something else at a look")


def _at_a_look(part: Part, covers: Covers) -> list[tuple[int, str]]:
    """The lines and keys of a part as a compile reads it: runs of plain names first, and then what is left."""
    found: list[tuple[int, str]] = []
    for block in blocks(part.path, part.file, _BLOCK):
        rows = Rows()
        taken, left = take_plain(block, covers, 0, rows)
        keys = [key for shard in rows.keys for key in shard]
        found += zip((line for shard in rows.postings for line in shard), keys, strict=True)
        found += _one_by_one(part.parse(left))
        if taken != len(keys):
            raise Wrong(f"{taken} rows are {len(keys)}")
    return sorted(found)


def _one_by_one(lines: Iterable[ParsedLine]) -> list[tuple[int, str]]:
    entries = (parsed for parsed in lines if isinstance(parsed, ParsedEntry))
    return sorted((entry.line, entry_key(entry.host, entry.covers, entry.target)) for entry in entries)


def _check(part: Part, parsed: ParsedLine) -> None:
    if parsed.line < 1:
        raise Wrong(f"line {parsed.line}")
    if isinstance(parsed, ParsedEntry) and part.file.rpartition("/")[2][:4] not in {"expr", "very"}:
        if canonical_host(parsed.host) != parsed.host:
            raise Wrong(f"{parsed.host!a} is no canonical host")
        if not parsed.target.isascii() or any(mark in parsed.target for mark in "\n\t\0"):
            raise Wrong(f"{parsed.target!a} is no target")


def left(folder: Path) -> int:
    """How many bytes lie in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def proofs() -> Mapping[str, ListOpening]:
    """Give openings that are broken, for the tests of the fuzz itself: each must be found."""
    return {name: ListOpening(lambda run, number: b"", read) for name, read in _BROKEN.items()}


def _fails(at: Path, scratch: Path) -> None:
    raise ValueError("made up")


def _for_ever(at: Path, scratch: Path) -> None:
    while True:
        pass


def _waits(at: Path, scratch: Path) -> None:
    time.sleep(10_000)


def _huge(at: Path, scratch: Path) -> None:
    bytes(8 * 2**30)


def _outside(at: Path, scratch: Path) -> None:
    (scratch.parent / "outside").write_text("made up")


def _too_much(at: Path, scratch: Path) -> None:
    (scratch / "0").write_bytes(bytes(LEFT + 1))


def _dies(at: Path, scratch: Path) -> None:
    os.abort()


_BROKEN = {
    "fails": _fails,
    "for ever": _for_ever,
    "waits": _waits,
    "huge": _huge,
    "outside": _outside,
    "too much": _too_much,
    "dies": _dies,
}
