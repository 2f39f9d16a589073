from __future__ import annotations

import gzip
import io
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories.errors import ListRefused
from categories.streams import LINE_CAP, CappedReader, Room, lines, unpacked

if TYPE_CHECKING:
    from pathlib import Path


def read(data: bytes, cap: int = 1 << 20) -> list[bytes]:
    return list(lines(CappedReader(io.BytesIO(data), Room(cap), "mine")))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\r\n\nb\n", [b"a", b"", b"b"]),
        (b"x" * LINE_CAP + b"\nb", [b"x" * LINE_CAP, b"b"]),
        (b"x" * (LINE_CAP + 1) + b"\nb", [b"x" * (LINE_CAP + 1), b"b"]),
        (b"x" * 300_000 + b"\nb", [b"x" * (LINE_CAP + 1), b"b"]),
        (b"x" * 300_000, [b"x" * (LINE_CAP + 1)]),
    ],
)
def test_a_long_line_is_cut_and_the_next_one_keeps_its_number(data: bytes, expected: list[bytes]) -> None:
    assert read(data) == expected


@given(st.binary(max_size=300))
def test_lines_are_those_of_python(data: bytes) -> None:
    assert read(data) == [line.rstrip(b"\r\n") for line in io.BytesIO(data)]


def test_more_than_the_cap_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bomb").write_bytes(gzip.compress(b"\0" * 2_000_000))
    with (
        pytest.raises(ListRefused, match="mine: unpacks to more"),
        unpacked(tmp_path / "bomb", "mine", Room(1_000_000)) as stream,
    ):
        list(lines(stream))


def test_gzip_is_known_by_its_first_bytes_not_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(gzip.compress(b"a.test\n"))
    with unpacked(tmp_path / "list.txt", "mine") as stream:
        assert list(lines(stream)) == [b"a.test"]


def test_links_and_pipes_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(ListRefused, match=f"mine: .*{name}"), unpacked(tmp_path / name, "mine"):
            pass


def test_an_unreadable_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ListRefused, match="No such file") as refusal, unpacked(tmp_path / "none", "mine"):
        pass
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "inner",
    [b"PK\x03\x04", b"\xfd7zXZ\0", b"BZh91AY&SY", b"\x28\xb5\x2f\xfd", gzip.compress(b"a")],
    ids=["zip", "xz", "bzip2", "zstd", "gzip in gzip"],
)
def test_what_is_packed_otherwise_or_twice_is_named(tmp_path: Path, inner: bytes) -> None:
    (tmp_path / "packed").write_bytes(gzip.compress(inner))
    with (
        pytest.raises(ListRefused, match=r"mine: is packed as .*get it plain, or as gzip"),
        unpacked(tmp_path / "packed", "mine"),
    ):
        pass


PAGES = {
    "a page": b"\xef\xbb\xbf\r\n <!DocType HTML>",
    "a fragment": b"<p>Sign in",
    "a comment": b"<!-- error -->",
    "XML": b"<?xml version='1.0'?>",
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("packed", [True, False], ids=["packed", "plain"])
def test_a_web_page_is_refused(tmp_path: Path, packed: bool, page: bytes) -> None:
    (tmp_path / "page").write_bytes(gzip.compress(page) if packed else page)
    with pytest.raises(ListRefused, match="mine: is a web page"), unpacked(tmp_path / "page", "mine"):
        pass


@pytest.mark.parametrize(("folder", "named"), [("lists", True), (".unfinished-7", False)], ids=["lasting", "of work"])
def test_a_damaged_file_is_named_where_it_lasts(tmp_path: Path, folder: str, named: bool) -> None:
    path = tmp_path / folder / "mine.gz"
    path.parent.mkdir()
    path.write_bytes(gzip.compress(b"a.test\n" * 100)[:-9])
    with pytest.raises(ListRefused) as refusal, unpacked(path, "list mine") as stream:
        list(lines(stream))
    assert (
        str(refusal.value)
        == f"list mine: {f'{path} ' if named else ''}is truncated or damaged (EOFError); get it again"
    )
