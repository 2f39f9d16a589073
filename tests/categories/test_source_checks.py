from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from categories.errors import ListRefused
from categories.source_checks import check_checksum, check_private, check_sources
from categories.sources import ListSource

GAMES = ListSource("mine", "domains", path=Path("/nowhere"), category="games")


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ((ListSource("../up", "domains", path=Path("/x"), category="games"),), "small letters"),
        ((ListSource("a.b", "domains", path=Path("/x"), category="games"),), "small letters"),
        ((ListSource("a" * 41, "domains", path=Path("/x"), category="games"),), "small letters"),
        ((ListSource("starter", "domains", path=Path("/x"), category="games"),), "taken"),
        ((GAMES, GAMES), "taken"),
        ((ListSource("mine", "csv", path=Path("/x"), category="games"),), "unknown; there are"),
        ((ListSource("mine", "domains", category="games"),), "either url or path"),
        ((ListSource("mine", "domains", url="https://x.test/", path=Path("/x"), category="games"),), "either url"),
        ((ListSource("mine", "domains", url="https://x.test/", category="child-abuse"),), "local file"),
        ((replace(GAMES, expressions=True),), "expressions is for ut1, not for domains"),
    ],
)
def test_sources_that_are_refused(sources: tuple[ListSource, ...], words: str) -> None:
    with pytest.raises(ListRefused, match=words):
        check_sources(sources)


def test_a_good_source_passes() -> None:
    check_sources((GAMES,))


@pytest.mark.parametrize(("file", "folder"), [(0o640, 0o700), (0o604, 0o700), (0o600, 0o750), (0o660, 0o700)])
def test_nothing_of_a_withheld_tree_may_be_open_to_others(tmp_path: Path, file: int, folder: int) -> None:
    source = ListSource("licensed", "ut1", path=tmp_path, map={"a": "child-abuse"})
    tmp_path.chmod(0o700)
    (tmp_path / "a").mkdir(mode=0o700)
    (tmp_path / "a" / "domains").touch(mode=0o600)
    check_private(source, tmp_path)
    (tmp_path / "a" / "domains").chmod(file)
    (tmp_path / "a").chmod(folder)
    with pytest.raises(ListRefused, match="chmod go="):
        check_private(source, tmp_path)


def test_a_local_file_is_the_one_of_its_checksum(tmp_path: Path) -> None:
    at = tmp_path / "mine"
    at.write_text("casino.test\n")
    source = replace(GAMES, path=at, checksum=f"sha256:{hashlib.sha256(b'casino.test' + bytes([10])).hexdigest()}")
    check_checksum(source, at)
    at.write_text("casino.test\nschool.test\n")
    with pytest.raises(ListRefused, match="list mine: its checksum is not the one in the settings; found sha256:"):
        check_checksum(source, at)


@pytest.mark.parametrize("kind", ["folder", "pipe", "missing"])
def test_what_has_no_checksum_is_refused_and_never_waited_for(tmp_path: Path, kind: str) -> None:
    at = tmp_path / "mine"
    if kind == "folder":
        at.mkdir()
    elif kind == "pipe":
        os.mkfifo(at)
    with pytest.raises(ListRefused, match="list mine"):
        check_checksum(replace(GAMES, path=at, checksum=f"sha256:{'0' * 64}"), at)
