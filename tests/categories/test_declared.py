from __future__ import annotations

import gzip
import hashlib
import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories.declared import check_whole, declared
from categories.errors import FloorRefused, ListRefused
from categories.sources import ListSource
from categories.update import compile_generation

if TYPE_CHECKING:
    from pathlib import Path

HAGEZI = """\
# Title: made up
# Expires: 1 day
# Last modified: 22 Nov 2026 10:33 UTC
# Version: 2026.1122.1033.52
# Syntax: Domains (including possible subdomains)
# Number of entries: 181083
#
"""
STEVEN = "# Date: 18 January 2024 01:06:23 (UTC)\n# Number of unique domains: 153,663\n0.0.0.0 ads.example\n"
ZONE = "$TTL 300\n@ SOA localhost. root.localhost. 1 2h 1h 4w 2h\n  NS  localhost.\n;\n; Number of entries: 7\n"
MADE = datetime(2026, 11, 22, 10, 33, tzinfo=UTC)

HEADS = {
    "HaGeZi's": (HAGEZI, 181_083, MADE),
    "StevenBlack's": (STEVEN, 153_663, datetime(2024, 1, 18, 1, 6, 23, tzinfo=UTC)),
    "of an ad blocker": ("[Adblock Plus]\n! Last modified: 2026-11-22T10:33:00Z\n! Number of entries: 5\n", 5, MADE),
    "of a zone": (ZONE, 7, None),
    "with CRLF": (HAGEZI.replace("\n", "\r\n"), 181_083, MADE),
    "another way to write a time": ("# Last modified: 2026-11-22T12:33:00+02:00\n", None, MADE),
    "a day": ("# Last modified: 2026-11-22\n", None, datetime(2026, 11, 22, tzinfo=UTC)),
    "no time at all": ("# Last modified: 22 Foo 2026 10:33 UTC\n", None, None),
    "a time beyond time": ("# Last modified: 0001-01-01T00:00:00+14:00\n", None, None),
    "a number of something else": ("# Number of lists: 9\n# Number of entries in all lists: 9\n", None, None),
    "no number": ("# Number of entries: many\n# Number of entries: 1e9\n", None, None),
    "a number beyond counting": (f"# Number of entries: {'9' * 100}\n", None, None),
    "no comment": ("Number of entries: 9\na.test # Number of entries: 9\n", None, None),
    "too far below": ("#\n" * 100 + "# Number of entries: 9\n", None, None),
    "nothing": ("", None, None),
}


@pytest.mark.parametrize(("head", "entries", "made"), HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_a_head(tmp_path: Path, head: str, entries: int | None, made: datetime | None, packed: bool) -> None:
    (tmp_path / "mine").write_bytes(gzip.compress(head.encode()) if packed else head.encode())
    said = declared(tmp_path / "mine", "list mine")
    assert (said.entries, said.made) == (entries, made)


@given(st.binary(max_size=300) | st.text("#!; Numberofentis:0123456789,\n", max_size=80).map(str.encode))
def test_whatever_the_head_is_it_is_read(tmp_path_factory: pytest.TempPathFactory, head: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "head"
    path.write_bytes(b"#" + head)
    said = declared(path, "list mine")
    assert said.entries is None or said.entries >= 0


@pytest.mark.parametrize(
    ("number", "found", "whole"),
    [(100, 100, True), (100, 200, True), (100, 94, True), (100, 93, False), (10_000, 9895, True), (10_000, 9894, False),
     (5, 0, True), (6, 0, False), (0, 0, True)],
)  # fmt: skip
def test_a_hundredth_and_a_handful_may_be_missing(tmp_path: Path, number: int, found: int, whole: bool) -> None:
    (tmp_path / "mine").write_text(f"# Number of entries: {number}\n")
    if whole:
        check_whole("mine", tmp_path / "mine", found)
    else:
        with pytest.raises(ListRefused, match=f"declares {number:,} entries and holds {found:,}; it was cut off"):
            check_whole("mine", tmp_path / "mine", found)


LINES = {
    "domains": "host{}.example\n",
    "hosts": "0.0.0.0 host{}.example\n",
    "wildcard": "*.host{}.example\n",
    "dnsmasq": "local=/host{}.example/\n",
    "rpz": "*.host{}.example CNAME .\n",
    "adblock": "||host{}.example^\n",
    "e2guardian": "host{}.example\n",
}


@pytest.mark.parametrize("format_", LINES)
def test_a_list_that_was_cut_off_keeps_the_old_generation(tmp_path: Path, format_: str) -> None:
    """Duplicates and what is unsupported count: the publisher counted them too."""
    mark = {"adblock": "!", "rpz": ";"}.get(format_, "#")
    whole = f"{mark} Number of entries: 100\n" + "".join(LINES[format_].format(n // 2) for n in range(100))
    (tmp_path / "mine").write_text(whole)
    source = ListSource("mine", format_, path=tmp_path / "mine", category="pornography")
    before = compile_generation((source,), tmp_path / "lists")
    assert before.lists[1].entries == 50
    (tmp_path / "mine").write_text(whole[: len(whole) * 9 // 10])
    with pytest.raises(FloorRefused, match=r"list mine: declares 100 entries and holds (8|9)\d; it was cut off"):
        compile_generation((source,), tmp_path / "lists")
    assert (tmp_path / "lists" / "current").read_text().strip() == before.id


def test_exceptions_count_as_entries_too(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("! Number of entries: 20\n" + "||a.test^\n" * 10 + "@@||b.test^\n" * 10)
    source = ListSource("mine", "adblock", path=tmp_path / "mine", category="games", white={"exceptions": "ITS"})
    assert compile_generation((source,), tmp_path / "lists").lists[1].entries == 2


def test_who_gives_the_checksum_of_a_list_vouches_for_it(tmp_path: Path) -> None:
    """The way to use a list whose publisher counts otherwise."""
    (tmp_path / "mine").write_text("# Number of entries: 100\na.test\n")
    source = ListSource("mine", "domains", path=tmp_path / "mine", category="games")
    with pytest.raises(ListRefused, match="declares 100 entries and holds 1"):
        compile_generation((source,), tmp_path / "lists")
    digest = hashlib.sha256((tmp_path / "mine").read_bytes()).hexdigest()
    taken = replace(source, checksum=f"sha256:{digest}")
    assert compile_generation((taken,), tmp_path / "lists").lists[1].entries == 1


def test_only_the_head_is_read(tmp_path: Path) -> None:
    """What is damaged further on is found when the list is read, and a bomb is not unpacked for its head."""
    noise = random.Random(1).randbytes(300_000)
    (tmp_path / "mine").write_bytes(gzip.compress(b"# Number of entries: 7\n" + noise)[:-100_000])
    assert declared(tmp_path / "mine", "list mine").entries == 7
