"""Whatever a server gives instead of a list, the lists in force stay, and one line says what is wrong."""

from __future__ import annotations

import gzip
import io
import tarfile
from functools import partial
from typing import TYPE_CHECKING

import pytest

from categories import streams
from categories.download import DownloadLimits, download
from categories.errors import ListsRefused
from categories.index import CategoryIndex
from categories.sources import ListSource
from categories.update import current, update
from tests.categories.archives import member
from tests.categories.server import Published, body, cut_off, drip, endless, head_drip, no_answer, redirect, serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.categories.server import Answer

HUNDRED = "".join(f"host{number}.test\n" for number in range(100)).encode()
LIMITS = DownloadLimits(size=100_000, seconds=30.0, head=3.0, idle=2.0, rate=1000, stretch=0.5)
UNPACKED = 1_000_000


def tarball(*members: tuple[tarfile.TarInfo, bytes], packed: bool = True) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(made.getvalue()) if packed else made.getvalue()


GOOD = member("blacklists/adult/domains", HUNDRED)


def with_headers(info: tuple[tarfile.TarInfo, bytes], **headers: str) -> tuple[tarfile.TarInfo, bytes]:
    info[0].pax_headers = headers
    return info


def sparse() -> tuple[tarfile.TarInfo, bytes]:
    """A file of 8 GiB in a few bytes, as GNU tar writes it."""
    said = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "blacklists/adult/urls"}
    info = member("blacklists/adult/urls", b"1\n8589934591\n1\n".ljust(512, b"\0") + b"x" * 512)
    return with_headers(info, **said, **{"GNU.sparse.realsize": str(8 * 1024**3)})


BAD_SERVERS: dict[str, tuple[Answer, str]] = {
    "500": (body(b"", 500), "answered 500 (Internal Server Error); try again later"),
    "503": (body(b"", 503, Retry_After="60"), "it asks to wait 60 seconds"),
    "404": (body(b"", 404), "answered 404 (Not Found); check its url"),
    "304 unasked": (body(b"", 304), "answered 304"),
    "no answer": (no_answer, "broke off"),
    "cut off": (cut_off(HUNDRED), "broke off"),
    "cut off, may go on": (Published(HUNDRED, '"two"', None, cut=500), "the next update goes on from there"),
    "nonsense for a length": (body(HUNDRED, Content_Length="many"), "broke off"),
    "longer than it says": (body(HUNDRED, Content_Length="50"), "broke off"),
    "a slow drip": (drip, "came slower than 1,000 bytes a second"),
    "a head that drips": (head_drip, "took too long"),
    "endless": (endless, "is larger than 100,000 bytes"),
    "too large": (body(b"a.test\n" * 20_000), "is larger than 100,000 bytes"),
    "nothing": (body(b""), "the server sent nothing"),
    "a web page": (body(b"<!DOCTYPE html><title>Log in</title>"), "is a web page"),
    "a packed web page": (body(gzip.compress(b"<html>")), "is a web page"),
    "a page of an unknown kind": (body(b"Sign in, please.\nThis network is for guests.\n" * 5), "lines are no entries"),
    "redirect loop": (redirect("/list"), "redirects again and again"),
    "redirect to http": (redirect("http://far.test/list"), "would come over plain http"),
    "redirect to a file": (redirect("file:///etc/passwd"), "not a web address"),
    "gzip of zeros": (body(gzip.compress(bytes(20_000_000))), "unpacks to more than a list can hold"),
    "gzip of gzip": (body(gzip.compress(gzip.compress(HUNDRED))), "is packed as gzip in gzip"),
    "zip": (body(b"PK\x03\x04" + HUNDRED), "is packed as zip, which is not read; get it plain, or as gzip"),
    "gzip that is cut off": (body(gzip.compress(HUNDRED)[:-30]), "truncated or damaged"),
    "gzip with a wrong check sum": (body(gzip.compress(HUNDRED)[:-8] + bytes(8)), "truncated or damaged"),
}

BAD_ARCHIVES: dict[str, tuple[bytes, str]] = {
    "no archive": (HUNDRED * 10, "truncated or damaged"),
    "tar bomb": (tarball(GOOD, member("blacklists/adult/urls", bytes(20_000_000))), "unpacks to more"),
    "tar bomb in what nobody wants": (tarball(GOOD, member("blacklists/x", bytes(20_000_000))), "unpacks to more"),
    "many members": (tarball(*(member(f"blacklists/{n}") for n in range(101))), "more than 100 members"),
    "a huge header": (tarball(with_headers(member("blacklists/a"), comment="x" * 2_000_000)), "unpacks to more"),
    "traversal": (tarball(GOOD, member("../outside", b"x")), "no list needs: '../outside'"),
    "traversal inside": (tarball(member("blacklists/adult/../../../outside", b"x")), "no list needs"),
    "absolute name": (tarball(GOOD, member("/etc/cron.d/outside", b"x")), "no list needs: '/etc/cron.d/outside'"),
    "a name with a line in it": (tarball(GOOD, member("../a\nb", b"x")), r"no list needs: '../a\nb'"),
    "symbolic link out": (tarball(member("blacklists/a", type=tarfile.SYMTYPE, linkname="../../etc")), "leads out"),
    "hard link": (tarball(member("blacklists/a", type=tarfile.LNKTYPE, linkname="/etc/shadow")), "no list needs"),
    "device": (tarball(member("blacklists/a", type=tarfile.BLKTYPE, devmajor=8)), "no list needs"),
    "pipe": (tarball(member("blacklists/adult/domains", type=tarfile.FIFOTYPE)), "no list needs"),
    "sparse": (tarball(GOOD, sparse()), "no list needs"),
    "cut off": (tarball(GOOD)[:-40], "truncated or damaged"),
    "cut off inside, not packed": (tarball(GOOD, packed=False)[:900], "truncated or damaged"),
    "without the folder": (tarball(member("blacklists/games/domains", HUNDRED)), "has no folder 'adult'"),
    "shrunk": (tarball(member("blacklists/adult/domains", HUNDRED[:500])), "would shrink from 100"),
}


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the lists, and limits that a test can reach."""
    monkeypatch.setattr("categories.download.download", partial(download, limits=LIMITS))
    monkeypatch.setattr(streams, "UNPACKED_CAP", UNPACKED)
    monkeypatch.setattr("categories.unpack.MEMBERS_CAP", 100)
    return tmp_path / "state" / "lists"


def everything_in(folder: Path) -> dict[str, bytes]:
    """Every file but what a cut-off download has left to go on with."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".part" not in path.name)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def refused(source: ListSource, lists: Path, answers: dict[str, Answer], bad: Answer) -> str:
    """Update once with what is there and once with `bad`; give the one line of the second."""
    good = update((source,), lists).generation
    before = everything_in(lists)
    answers["/list"] = bad
    with pytest.raises(ListsRefused) as refusal:
        update((source,), lists)
    assert everything_in(lists) == before
    assert current(lists) == good.folder
    assert CategoryIndex.open(good.folder).lookup("host7.test")[0].list == "mine"
    assert sum(path.stat().st_size for path in lists.rglob("*.part")) < LIMITS.size
    return str(refusal.value)


def clear(said: str, words: str, tmp_path: Path) -> None:
    assert words in said
    assert said.startswith("list mine: ")
    assert "\n" not in said
    assert "secret" not in said
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(("bad", "words"), BAD_SERVERS.values(), ids=BAD_SERVERS)
def test_a_bad_answer(lists: Path, tmp_path: Path, bad: Answer, words: str) -> None:
    answers: dict[str, Answer] = {"/list": body(HUNDRED)}
    with serving(answers) as url:
        source = ListSource("mine", "domains", url=f"{url}/list?token=secret", category="pornography")
        clear(refused(source, lists, answers, bad), words, tmp_path)


@pytest.mark.parametrize(("bad", "words"), BAD_ARCHIVES.values(), ids=BAD_ARCHIVES)
def test_a_bad_archive(lists: Path, tmp_path: Path, bad: bytes, words: str) -> None:
    answers: dict[str, Answer] = {"/list": body(tarball(GOOD))}
    with serving(answers) as url:
        source = ListSource("mine", "ut1", url=f"{url}/list?token=secret", map={"adult": "pornography"})
        clear(refused(source, lists, answers, body(bad)), words, tmp_path)


@pytest.mark.parametrize("words", [b'{"error": "not found"}', b"404: Not Found\n", b"Too many requests"])
def test_a_word_of_the_server_is_no_empty_list(lists: Path, words: bytes) -> None:
    """Of a category that may be empty: nothing else would refuse it."""
    with serving({"/list": body(words)}) as url:
        source = ListSource("mine", "domains", url=f"{url}/list", category="gambling")
        with pytest.raises(ListsRefused, match="list mine: 1 of 1 lines are no entries, as mine:1: host with"):
            update((source,), lists)


@pytest.mark.parametrize("data", [b"# none today\n", b"\n"])
def test_a_list_may_be_empty(lists: Path, data: bytes) -> None:
    with serving({"/list": body(data)}) as url:
        source = ListSource("mine", "domains", url=f"{url}/list", category="gambling")
        assert update((source,), lists).generation.lists[1].entries == 0


def test_another_checksum(lists: Path, tmp_path: Path) -> None:
    answers: dict[str, Answer] = {"/list": body(HUNDRED)}
    right = "sha256:9c1b5f0d9a4d5b0c9d3b9f0d9a4d5b0c9d3b9f0d9a4d5b0c9d3b9f0d9a4d5b0c"
    with serving(answers) as url:
        source = ListSource("mine", "domains", url=f"{url}/list?token=secret", category="pornography", checksum=right)
        with pytest.raises(ListsRefused, match="its checksum is not the one in the settings; found sha256:"):
            update((source,), lists)
    assert not (lists / "current").exists()
    assert everything_in(lists).keys() == {".lock"}
