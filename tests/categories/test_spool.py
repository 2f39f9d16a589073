from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from categories import spool as spool_module
from categories.errors import ListRefused
from categories.formats import FORMATS
from categories.sources import ListSource
from categories.spool import HANDFUL, ListAtHand, Spool, rows

if TYPE_CHECKING:
    from pathlib import Path


def at_hand(path: Path, text: str, category: str = "games") -> ListAtHand:
    path.write_text(text)
    source = ListSource("mine", "domains", path=path, category=category)
    return ListAtHand(source, path, FORMATS["domains"](source, path, path.parent))


def good(count: int) -> str:
    return "".join(f"host{number}.test\n" for number in range(count))


@pytest.mark.parametrize(
    ("entries", "bad", "refused"),
    [(1, HANDFUL, False), (1, HANDFUL + 1, True), (990, 10, False), (990, 11, True), (0, HANDFUL, False)],
)
def test_more_than_a_handful_and_one_percent_refuse_a_list(
    tmp_path: Path, entries: int, bad: int, refused: bool
) -> None:
    spool = Spool(io.StringIO(), lambda *_: None)
    item = at_hand(tmp_path / "mine", good(entries) + "*\n" * bad)
    if refused:
        with pytest.raises(ListRefused, match=rf"{bad} of {entries + bad} lines .*mine:{entries + 1}: wildcard"):
            spool.add(item)
    else:
        spool.add(item)
        assert (spool.lists[0].entries, spool.lists[0].rejected) == (entries, bad)


def test_rows_come_back_and_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    path = tmp_path / "spool"
    with path.open("w") as file:
        Spool(file, lambda *step: told.append(step)).add(at_hand(tmp_path / "mine", "# x\na.test\n192.0.2.1\n"))
    assert list(rows(path)) == [(0, 2, "tset.a."), (1, 3, "1.2.0.291./")]
    assert told[-1] == ("mine", 2, None)


def test_a_flood_of_bad_lines_is_stopped_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "REJECTED_CAP", 10)
    monkeypatch.setattr(spool_module, "_STEP", 20)
    with pytest.raises(ListRefused, match="20 of 20 lines"):
        Spool(io.StringIO(), lambda *_: None).add(at_hand(tmp_path / "mine", "*\n" * 1000))


def test_too_many_lines_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "LINES_CAP", 10)
    monkeypatch.setattr(spool_module, "_STEP", 20)
    with pytest.raises(ListRefused, match="more than 10 lines"):
        Spool(io.StringIO(), lambda *_: None).add(at_hand(tmp_path / "mine", good(30)))


def test_no_line_of_a_withheld_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(ListRefused) as refusal:
        Spool(io.StringIO(), lambda *_: None).add(at_hand(tmp_path / "mine", "a.test b\n" * 20, "child-abuse"))
    assert "mine:" not in str(refusal.value).replace("list mine:", "")
