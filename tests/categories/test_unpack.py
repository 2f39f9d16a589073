from __future__ import annotations

import gzip
import tarfile
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from categories import streams, unpack
from categories.errors import ListRefused
from categories.unpack import unpack as unpack_archive
from tests.categories.archives import archive, member

if TYPE_CHECKING:
    from pathlib import Path

GOOD = member("blacklists/adult/domains", b"blocked.test\n")


def everything(name: str) -> bool:
    return True


def test_wanted_files_are_unpacked_under_numbers_and_links_are_only_noted(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.tar.gz",
        member("./blacklists", type=tarfile.DIRTYPE),
        GOOD,
        member("blacklists/adult/domains", b"a second copy\n"),
        member("blacklists/README", b"x" * 3_000_000),
        member("blacklists/porn", type=tarfile.SYMTYPE, linkname="adult"),
    )
    (tmp_path / "out").mkdir()
    found = unpack_archive(path, "ut1", tmp_path / "out", lambda name: name.endswith("domains"))
    assert {name: file.read_bytes() for name, file in found.files.items()} == {
        "blacklists/adult/domains": b"blocked.test\n"
    }
    assert found.links == {"blacklists/porn": "blacklists/adult"}
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["0"]


HOSTILE = {
    "traversal": member("../outside", b"x"),
    "traversal in the middle": member("blacklists/../../outside", b"x"),
    "absolute name": member("/tmp/outside", b"x"),
    "backslashes": member("..\\outside", b"x"),
    "device": member("blacklists/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    "pipe": member("blacklists/pipe", type=tarfile.FIFOTYPE),
    "hard link": member("blacklists/shadow", type=tarfile.LNKTYPE, linkname="/etc/shadow"),
    "link to an absolute name": member("blacklists/etc", type=tarfile.SYMTYPE, linkname="/etc"),
    "link that climbs out": member("blacklists/up", type=tarfile.SYMTYPE, linkname="../../etc"),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_member_refuses_the_archive(tmp_path: Path, hostile: tuple[tarfile.TarInfo, bytes]) -> None:
    out = tmp_path / "in" / "out"
    out.mkdir(parents=True)
    with pytest.raises(ListRefused) as refusal:
        unpack_archive(archive(tmp_path / "a.tar.gz", GOOD, hostile), "ut1", out, everything)
    assert "\n" not in str(refusal.value)
    assert {path.name for path in tmp_path.rglob("*")} <= {"a.tar.gz", "in", "out", "0", "1"}


def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "UNPACKED_CAP", 1_000_000)
    path = archive(tmp_path / "a.tar.gz", member("adult/domains", b"\0" * 20_000_000))
    assert path.stat().st_size < 100_000
    (tmp_path / "out").mkdir()
    with pytest.raises(ListRefused, match="unpacks to more"):
        unpack_archive(path, "ut1", tmp_path / "out", everything)
    assert sum(file.stat().st_size for file in (tmp_path / "out").iterdir()) <= 1_000_000


@pytest.mark.parametrize("before", [(), (GOOD,)], ids=["first", "second"])
def test_a_header_bomb_is_refused(tmp_path: Path, before: tuple[tuple[tarfile.TarInfo, bytes], ...]) -> None:
    """A pax header of 20 MB is read into memory by tarfile before the member is seen."""
    info, _ = member("adult/domains")
    info.pax_headers = {"comment": "x" * 20_000_000}
    (tmp_path / "out").mkdir()
    with pytest.raises(ListRefused, match="unpacks to more"):
        unpack_archive(archive(tmp_path / "a.tar.gz", *before, (info, b"")), "ut1", tmp_path / "out", everything)


def pax(records: bytes) -> bytes:
    """A header of headers, as its author wishes."""
    info = tarfile.TarInfo("PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, len(records)
    return info.tobuf(tarfile.USTAR_FORMAT) + records.ljust(-(-len(records) // 512) * 512, b"\0")


def sized(number: bytes) -> bytes:
    """A header with a size in base 256, which may be negative."""
    header = bytearray(tarfile.TarInfo("adult/domains").tobuf(tarfile.GNU_FORMAT))
    header[124:136], header[148:156] = number, b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header)


SPARSE = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
FILE = tarfile.TarInfo("adult/domains")
FILE.size = 512

HEADERS = {
    "a sparse map that is no number": pax(SPARSE) + FILE.tobuf(tarfile.USTAR_FORMAT) + b"x".ljust(512, b"\n"),
    "a sparse map of 5,000 digits": pax(SPARSE) + FILE.tobuf(tarfile.USTAR_FORMAT) + b"9" * 5000 + b"\n",
    "a sparse map without an end": pax(SPARSE) + FILE.tobuf(tarfile.USTAR_FORMAT) + b"999999\n" + b"1\n" * 300_000,
    "an odd sparse map": pax(b"28 GNU.sparse.map=1,2,3,4,5\n") + FILE.tobuf(tarfile.USTAR_FORMAT) + bytes(1536),
    "headers of headers": pax(b"12 comm=ent\n") * 900 + FILE.tobuf(tarfile.USTAR_FORMAT) + bytes(1536),
    "a negative size": sized(b"\xff" * 12) + bytes(1024),
    "a size of 2^88": sized(b"\x80" + b"\xff" * 11) + bytes(1024),
    "a record of no length": pax(b"0 path=a\n") + FILE.tobuf(tarfile.USTAR_FORMAT) + bytes(1536),
    "a record of a great length": pax(b"99999999999 path=a\n") + FILE.tobuf(tarfile.USTAR_FORMAT) + bytes(1536),
}


@pytest.mark.parametrize("data", HEADERS.values(), ids=HEADERS)
def test_a_hostile_header_is_a_refusal_or_no_matter(tmp_path: Path, data: bytes) -> None:
    """Never another exception: tarfile lets through what its headers make it stumble over."""
    (tmp_path / "a.tar").write_bytes(data)
    (tmp_path / "out").mkdir()
    with suppress(ListRefused):
        found = unpack_archive(tmp_path / "a.tar", "ut1", tmp_path / "out", everything)
        assert set(found.files) <= {"adult/domains"}


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MEMBERS_CAP", 10)
    (tmp_path / "out").mkdir()
    path = archive(tmp_path / "a.tar.gz", *(member(f"adult/{number}") for number in range(11)))
    with pytest.raises(ListRefused, match="more than 10 members"):
        unpack_archive(path, "ut1", tmp_path / "out", everything)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_archive_is_refused(tmp_path: Path, share: float) -> None:
    text = "".join(f"host{number * 7919 % 100_000}.test\n" for number in range(5000)).encode()
    path = archive(tmp_path / "a.tar.gz", member("adult/domains", text))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    (tmp_path / "out").mkdir()
    with pytest.raises(ListRefused, match="truncated or damaged"):
        unpack_archive(path, "ut1", tmp_path / "out", everything)


def test_a_wrong_check_sum_at_the_very_end_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar.gz", GOOD)
    data = bytearray(path.read_bytes())
    data[-6] ^= 1
    path.write_bytes(data)
    (tmp_path / "out").mkdir()
    with pytest.raises(ListRefused, match="truncated or damaged"):
        unpack_archive(path, "ut1", tmp_path / "out", everything)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE html><title>Not found</title>", "web page"),
        (b"\n  <HTML>", "web page"),
        (b"no archive at all" * 100, "truncated or damaged"),
        (gzip.compress(b"no archive at all" * 100), "truncated or damaged"),
        (b"", "truncated or damaged"),
    ],
    ids=["a page", "a page behind blanks", "text", "packed text", "nothing"],
)
def test_what_is_no_archive(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.tar.gz").write_bytes(data)
    (tmp_path / "out").mkdir()
    with pytest.raises(ListRefused, match=words):
        unpack_archive(tmp_path / "a.tar.gz", "ut1", tmp_path / "out", everything)
