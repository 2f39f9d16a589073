from __future__ import annotations

import gzip
import hashlib
from typing import TYPE_CHECKING

import pytest

from categories import blocks as blocks_module
from categories import spool as spool_module
from categories.entries import Covers
from categories.errors import ListRefused
from categories.formats import FORMATS
from categories.gathering import at_hand as gathered
from categories.pool import pool
from categories.rows import LINE, LINE_BITS, SHARDS, rows_of
from categories.sources import ListSource
from categories.spool import EXAMPLES, HANDFUL, ListAtHand, Spool
from tests.categories.archives import archive, member

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def at_hand(path: Path, text: str, category: str = "games") -> ListAtHand:
    path.write_text(text)
    source = ListSource("mine", "domains", path=path, category=category)
    return ListAtHand(source, path, FORMATS["domains"](source, path, path.parent))


def spooled(folder: Path, item: ListAtHand, told: Callable[..., None] = lambda *_: None) -> Spool:
    work = folder / "rows"
    work.mkdir()
    with pool(0) as here:
        spool = Spool(work, here, told)
        spool.add(item)
    return spool


def rows(folder: Path) -> set[tuple[str, int, int]]:
    found = (row for shard in range(SHARDS) for row in rows_of(folder / "rows", shard))
    return {(key, posting >> LINE_BITS, posting & LINE) for key, posting in found}


def good(count: int) -> str:
    return "".join(f"host{number}.test\n" for number in range(count))


@pytest.mark.parametrize(
    ("entries", "bad", "refused"),
    [(1, HANDFUL, False), (1, HANDFUL + 1, True), (990, 10, False), (990, 11, True), (0, 1, True), (0, 0, False)],
)
def test_more_than_a_handful_and_one_percent_refuse_a_list(
    tmp_path: Path, entries: int, bad: int, refused: bool
) -> None:
    item = at_hand(tmp_path / "mine", good(entries) + "*\n" * bad)
    if refused:
        with pytest.raises(ListRefused, match=rf"{bad} of {entries + bad} lines .*mine:{entries + 1}: wildcard"):
            spooled(tmp_path, item)
    else:
        spool = spooled(tmp_path, item)
        assert (spool.lists[0].entries, spool.lists[0].rejected) == (entries, bad)


def test_rows_come_back_and_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    item = at_hand(tmp_path / "mine", "# x\na.test\n192.0.2.1\n")
    spool = spooled(tmp_path, item, lambda *step: told.append(step))
    classes = {(spool.classes[number].covers, key, line) for key, number, line in rows(tmp_path)}
    assert classes == {(Covers.DOMAIN, "tset.a.", 2), (Covers.HOST, "1.2.0.291./", 3)}
    assert told[-1] == ("mine", 2, None)


def test_a_flood_of_bad_lines_is_stopped_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "REJECTED_CAP", 10)
    monkeypatch.setattr(blocks_module, "BLOCK", 40)
    with pytest.raises(ListRefused, match="20 of 20 lines"):
        spooled(tmp_path, at_hand(tmp_path / "mine", "*\n" * 1000))


def test_too_many_lines_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "LINES_CAP", 10)
    monkeypatch.setattr(blocks_module, "BLOCK", 40)
    with pytest.raises(ListRefused, match="more than 10 lines"):
        spooled(tmp_path, at_hand(tmp_path / "mine", good(30)))


def test_no_line_of_a_withheld_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(ListRefused) as refusal:
        spooled(tmp_path, at_hand(tmp_path / "mine", "a.test b\n" * 20, "child-abuse"))
    assert "mine:" not in str(refusal.value).replace("list mine:", "")


def test_lines_keep_their_numbers_and_examples_their_order_over_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK", 50)
    text = "".join("*\n" if number % 10 == 0 else f"host{number}.test\n" for number in range(1, 101))
    monkeypatch.setattr(spool_module, "HANDFUL", 10)
    spool = spooled(tmp_path, at_hand(tmp_path / "mine", text))
    assert {line for _, _, line in rows(tmp_path)} == {line for line in range(1, 101) if line % 10}
    assert spool.lists[0].examples == tuple(f"mine:{line}: wildcard" for line in range(10, 10 + 10 * EXAMPLES, 10))
    assert (spool.lists[0].entries, spool.lists[0].rejected) == (90, 10)


def test_a_format_whose_lines_hang_together_is_read_in_one_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK", 8)
    monkeypatch.setattr(spool_module, "_STEP", 2)
    path = tmp_path / "mine"
    path.write_text("@ SOA a b (\n1.test CNAME .\n2.test CNAME .\n)\n*.3.test CNAME .\n" + "4.test CNAME .\n" * 3)
    source = ListSource("mine", "rpz", path=path, category="games")
    spool = spooled(tmp_path, ListAtHand(source, path, FORMATS["rpz"](source, path, tmp_path)))
    assert {(key, line) for key, _, line in rows(tmp_path)} == {
        ("tset.3.", 5),
        *(("tset.4./", line) for line in (6, 7, 8)),
    }
    assert spool.lists[0].entries == 4


def parts_at_hand(folder: Path, *texts: bytes) -> ListAtHand:
    """A folder of a UT1 tree with a packed file for each text."""
    at = folder / "ut1" / "games"
    at.mkdir(parents=True)
    for number, text in enumerate(texts):
        (at / f"domains.{number}.gz").write_bytes(gzip.compress(text))
    source = ListSource("mine", "ut1", path=at.parent, map={"games": "games"})
    return ListAtHand(source, at.parent, FORMATS["ut1"](source, at.parent, folder))


@pytest.mark.parametrize("line", [b"\n", b"# x\n"], ids=["blank", "comments"])
def test_lines_that_say_nothing_count_over_all_files_of_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    monkeypatch.setattr(spool_module, "LINES_CAP", 100)
    item = parts_at_hand(tmp_path, b"a.test\n" + line * 60, line * 60)
    with pytest.raises(ListRefused, match="list mine: has more than 100 lines"):
        spooled(tmp_path, item)


def test_blank_lines_of_a_list_in_one_piece_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "LINES_CAP", 100)
    path = tmp_path / "mine"
    path.write_text("@ SOA a b 1 2 3 4 5\n" + "\n" * 100)
    source = ListSource("mine", "rpz", path=path, category="games")
    with pytest.raises(ListRefused, match="list mine: has more than 100 lines"):
        spooled(tmp_path, ListAtHand(source, path, FORMATS["rpz"](source, path, tmp_path)))


def test_the_files_of_a_list_share_the_room_for_their_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line without an end is dropped, and its bytes count all the same."""
    monkeypatch.setattr("categories.streams.UNPACKED_CAP", 100_000)
    item = parts_at_hand(tmp_path, b"a.test\n" + b"x" * 60_000, b"x" * 60_000)
    with pytest.raises(ListRefused, match="unpacks to more than a list can hold"):
        spooled(tmp_path, item)


def test_expressions_are_counted_over_all_files_of_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "EXPRESSIONS_CAP", 3)
    at = tmp_path / "ut1" / "games"
    at.mkdir(parents=True)
    for number in range(2):
        (at / f"expressions.{number}").write_text(f"marker{number}a\nmarker{number}b\n")
    source = ListSource("mine", "ut1", path=at.parent, map={"games": "games"}, expressions=True)
    with pytest.raises(ListRefused, match="list mine: has more than 3 expressions"):
        spooled(tmp_path, ListAtHand(source, at.parent, FORMATS["ut1"](source, at.parent, tmp_path)))


def test_a_list_that_is_written_while_it_is_read_has_the_digest_of_what_was_there_before(tmp_path: Path) -> None:
    """The next update finds another digest, and reads the list again."""
    item = at_hand(tmp_path / "mine", "a.test\n")
    spool = spooled(tmp_path, item, lambda *_: (tmp_path / "mine").write_text("a.test\nb.test\n"))
    assert spool.lists[0].digest == hashlib.sha256(b"a.test\n").hexdigest()


def test_an_archive_that_is_written_after_it_was_unpacked_has_the_digest_of_before(tmp_path: Path) -> None:
    members = member("blacklists/games/domains", b"a.test\n"), member("blacklists/games/usage", b"black\n")
    at = archive(tmp_path / "ut1.tar.gz", *members)
    before = hashlib.sha256(at.read_bytes()).hexdigest()
    (tmp_path / "scratch").mkdir()
    source = ListSource("mine", "ut1", path=at, map={"games": "games"})
    (item,) = gathered((source,), tmp_path / "none", tmp_path / "scratch")
    at.write_bytes(b"")
    spool = spooled(tmp_path, item)
    assert spool.lists[0].digest == before
