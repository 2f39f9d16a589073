from __future__ import annotations

import gzip
import hashlib
import shutil
import socket
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from categories.download import DownloadLimits, download
from categories.errors import ListRefused, ListsRefused, ListUnreachable
from categories.sources import ListSource
from categories.update import silent
from tests.categories.server import (
    Answer,
    Published,
    body,
    cut_off,
    drip,
    endless,
    head_drip,
    no_answer,
    redirect,
    serving,
    slowing,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

LIST = b"blocked.test\n" * 1000
RIGHT = f"sha256:{hashlib.sha256(LIST).hexdigest()}"
LIMITS = DownloadLimits(size=100_000, seconds=30.0, head=3.0, idle=2.0, rate=1000, stretch=0.5)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The folder with what was fetched before."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder


def mine(url: str, checksum: str | None = None) -> ListSource:
    return ListSource("mine", "domains", url=url, category="gambling", checksum=checksum)


def fetched(url: str, kept: Path, checksum: str | None = None) -> str:
    """Fetch a list and keep it, as an update does that goes well."""
    fresh = kept.parent / "fresh"
    fresh.mkdir(exist_ok=True)
    try:
        said = download(mine(url, checksum), fresh / "mine", kept, silent, LIMITS)
        for path in fresh.iterdir():
            path.replace(kept / path.name)
    finally:
        shutil.rmtree(fresh)
    return said


def left_in(kept: Path) -> set[str]:
    return {path.name for path in kept.iterdir()}


def test_a_list_arrives_with_its_own_time(kept: Path) -> None:
    with serving({"/list": body(LIST, Last_Modified="Sun, 01 Nov 2026 10:00:00 GMT")}) as url:
        said = fetched(f"{url}/list", kept)
    assert (kept / "mine").read_bytes() == LIST
    assert datetime.fromtimestamp((kept / "mine").stat().st_mtime, UTC) == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert said == "list mine: 13,000 bytes, of 2026-11-01"


@pytest.mark.parametrize("modified", ["Sun, 01 Nov 2099 10:00:00 GMT", "yesterday", "Sun, 99 Foo 2026"])
def test_a_time_in_the_future_or_nonsense_is_now(kept: Path, modified: str) -> None:
    with serving({"/list": body(LIST, Last_Modified=modified)}) as url:
        fetched(f"{url}/list", kept)
    assert abs(datetime.now(UTC).timestamp() - (kept / "mine").stat().st_mtime) < 600


@pytest.mark.parametrize("modified", ["", "Sun, 08 Nov 2026 10:00:00 GMT"], ids=["none", "the server's"])
def test_a_list_that_says_when_it_was_made_has_that_time_where_the_server_says_none(kept: Path, modified: str) -> None:
    data = b"# Last modified: 01 Nov 2026 10:00 UTC\na.test\n"
    with serving({"/list": body(data, Last_Modified=modified)}) as url:
        said = fetched(f"{url}/list", kept)
    assert said == f"list mine: {len(data)} bytes, of 2026-11-0{8 if modified else 1}"


def test_a_redirect_is_followed_and_the_checksum_holds(kept: Path) -> None:
    with serving({"/old": redirect("/list"), "/list": body(LIST)}) as url:
        fetched(f"{url}/old", kept, RIGHT)
    assert (kept / "mine").read_bytes() == LIST


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (body(b"", 500), ListUnreachable, r"answered 500 \(Internal Server Error\); try again later$"),
        (body(b"", 503, Retry_After="120"), ListUnreachable, "try again later; it asks to wait 120 seconds$"),
        (body(b"", 404), ListUnreachable, r"answered 404 \(Not Found\); check its url$"),
        (body(b"", 403), ListUnreachable, "answered 403 .*whether the publisher lets this district"),
        (body(b"", 304), ListUnreachable, "answered 304"),
        (body(LIST[100:], 206, Content_Range="bytes 100-12999/13000"), ListUnreachable, "another part than was asked"),
        (cut_off(LIST), ListUnreachable, r"broke off \(RemoteProtocolError\); try again later$"),
        (body(LIST, Content_Length="-1"), ListUnreachable, "broke off"),
        (drip, ListUnreachable, "came slower than 1,000 bytes a second for 0.5 seconds; try again later"),
        (head_drip, ListUnreachable, "took too long; try again later"),
        (body(b"<!doctype html><h1>Sign in to the Wi-Fi</h1>"), ListRefused, "web page"),
        (body(gzip.compress(b"<!doctype html><h1>Sign in</h1>")), ListRefused, "web page"),
        (body(b"x" * 200_000), ListRefused, "larger than 100,000 bytes; check its url"),
        (endless, ListRefused, "larger than 100,000 bytes"),
        (body(b""), ListRefused, "sent nothing"),
        (redirect("/list"), ListUnreachable, "redirects again and again; check its url"),
        (redirect("ftp://127.0.0.1/list"), ListRefused, "not a web address"),
        (redirect("http://far.test/list"), ListRefused, "would come over plain http"),
    ],
    ids=[
        *("500", "503 and when to come again", "404", "403", "304 unasked", "a part unasked", "cut off"),
        *("no length", "drip", "drip of a head", "a page", "a packed page", "too large", "endless", "nothing"),
        *("redirect loop", "redirect to ftp", "redirect to http"),
    ],
)
def test_what_a_server_may_do_wrong(kept: Path, answer: Answer, error: type[ListsRefused], words: str) -> None:
    with serving({"/list": answer}) as url, pytest.raises(error, match=words) as refusal:
        fetched(f"{url}/list?token=secret", kept)
    assert "\n" not in str(refusal.value)
    assert "secret" not in str(refusal.value)
    assert "127.0.0.1" not in str(refusal.value)
    assert left_in(kept) == set()


def test_another_checksum_is_refused_and_leaves_nothing(kept: Path) -> None:
    with serving({"/list": body(LIST)}) as url, pytest.raises(ListRefused, match="checksum"):
        fetched(f"{url}/list", kept, "0" * 64)
    assert left_in(kept) == set()


@pytest.mark.parametrize("validator", ["etag", "modified"])
def test_what_has_not_changed_is_kept_with_its_time(kept: Path, validator: str) -> None:
    server = Published(LIST, **{"etag": None, "modified": None, validator: Published(b"").__dict__[validator]})
    with serving({"/list": server}) as url:
        fetched(f"{url}/list", kept)
        before = (kept / "mine").stat().st_mtime
        said = fetched(f"{url}/list", kept)
        assert server.answered == [200, 304]
        assert said == f"list mine: not modified since {datetime.fromtimestamp(before, UTC):%Y-%m-%d}"
        assert (kept / "mine").read_bytes() == LIST
        assert (kept / "mine").stat().st_mtime == before
        fetched(f"{url}/list", kept)  # what is known outlives a 304
        assert server.answered == [200, 304, 304]
    assert left_in(kept) == {"mine", "mine.json"}


def changed_by_hand(kept: Path, url: str) -> str:
    (kept / "mine").write_bytes(LIST[:-5])
    return url


def state_damaged(kept: Path, url: str) -> str:
    (kept / "mine.json").write_text('{"url": 7}')
    return url


def other_address(kept: Path, url: str) -> str:
    return f"{url}?other"


@pytest.mark.parametrize("change", [changed_by_hand, state_damaged, other_address])
def test_what_is_not_surely_the_same_is_fetched_again(kept: Path, change: Callable[[Path, str], str]) -> None:
    server = Published(LIST)
    with serving({"/list": server}) as url:
        fetched(f"{url}/list", kept)
        fetched(change(kept, f"{url}/list"), kept)
    assert server.answered == [200, 200]
    assert (kept / "mine").read_bytes() == LIST


def test_a_file_that_is_not_the_one_of_the_checksum_is_fetched_again(kept: Path) -> None:
    server = Published(b"old.test\n")
    with serving({"/list": server}) as url:
        fetched(f"{url}/list", kept)
        server.data = LIST
        fetched(f"{url}/list", kept, RIGHT)
        fetched(f"{url}/list", kept, RIGHT)
    assert server.answered == [200, 200, 304]


def cut_at(kept: Path, url: str, server: Published, size: int) -> None:
    """A download that ends after so many bytes; then the server is well again."""
    server.cut = size
    with pytest.raises(ListUnreachable, match=r"what came is kept, and the next update goes on from there$"):
        fetched(url, kept)
    server.cut = None
    assert left_in(kept) >= {"mine.part", "mine.part.json"}
    assert "mine" not in left_in(kept)


def test_a_download_that_was_cut_off_goes_on(kept: Path) -> None:
    server = Published(LIST)
    with serving({"/list": server}) as url:
        cut_at(kept, f"{url}/list", server, 6000)
        said = fetched(f"{url}/list", kept, RIGHT)
    assert server.answered == [200, 206]
    assert (server.asked[1]["range"], server.asked[1]["if-range"]) == ("bytes=6000-", '"one"')
    assert said == "list mine: 13,000 bytes, 6,000 of them from the download that was cut off, of 2026-11-01"
    assert left_in(kept) == {"mine", "mine.json"}


def test_it_goes_on_as_often_as_it_is_cut_off(kept: Path) -> None:
    server = Published(LIST)
    with serving({"/list": server}) as url:
        for _ in range(4):
            cut_at(kept, f"{url}/list", server, 3000)
        fetched(f"{url}/list", kept, RIGHT)
    assert [asked.get("range") for asked in server.asked[1:]] == [f"bytes={at}-" for at in (3000, 6000, 9000, 12000)]


def test_a_download_that_became_too_slow_goes_on(kept: Path) -> None:
    server = Published(LIST)
    answers: dict[str, Answer] = {"/list": slowing(LIST, 5000)}
    with serving(answers) as url:
        with pytest.raises(ListUnreachable, match=r"came slower than .*what came is kept, and the next update goes on"):
            fetched(f"{url}/list", kept)
        answers["/list"] = server
        fetched(f"{url}/list", kept, RIGHT)
    assert server.answered == [206]


def test_a_download_that_a_person_ended_goes_on(kept: Path) -> None:
    server = Published(LIST * 6)  # more than comes at once

    def interrupted(what: str, done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with serving({"/list": server}) as url:
        with pytest.raises(KeyboardInterrupt):
            download(mine(f"{url}/list"), kept.parent / "mine", kept, interrupted, LIMITS)
        size = (kept / "mine.part").stat().st_size
        fetched(f"{url}/list", kept)
    assert server.asked[1]["range"] == f"bytes={size}-"
    assert (kept / "mine").read_bytes() == server.data


NEW = b"changed.test\n" * 1000


def changed_in_between(server: Published, kept: Path) -> None:
    server.data, server.etag = NEW, '"two"'


def without_ranges(server: Published, kept: Path) -> None:
    server.data, server.ranges = NEW, False


def shorter_now(server: Published, kept: Path) -> None:
    server.data = NEW[:3900]


def part_damaged(server: Published, kept: Path) -> None:
    server.data = NEW
    (kept / "mine.part").write_bytes(LIST[:5999])


def part_without_state(server: Published, kept: Path) -> None:
    server.data = NEW
    (kept / "mine.part.json").unlink()


@pytest.mark.parametrize("change", [changed_in_between, without_ranges, shorter_now, part_damaged, part_without_state])
def test_a_part_that_does_not_fit_is_fetched_anew(kept: Path, change: Callable[[Published, Path], None]) -> None:
    server = Published(LIST)
    with serving({"/list": server}) as url:
        cut_at(kept, f"{url}/list", server, 6000)
        change(server, kept)
        fetched(f"{url}/list", kept)
    assert (kept / "mine").read_bytes() == server.data
    assert left_in(kept) == {"mine", "mine.json"}


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_validator_no_part_is_kept(kept: Path, etag: str | None) -> None:
    server = Published(LIST, etag=etag, modified=None, cut=6000)
    with serving({"/list": server}) as url, pytest.raises(ListUnreachable, match=r"try again later$"):
        fetched(f"{url}/list", kept)
    assert left_in(kept) == set()


@pytest.mark.parametrize("where", ["bytes 0-12999/13000", "bytes 5999-12999/13000", "bytes 6000-/13000", ""])
def test_another_part_than_was_asked_for_is_refused_and_the_next_one_starts_over(kept: Path, where: str) -> None:
    server = Published(LIST)
    answers: dict[str, Answer] = {"/list": server}
    with serving(answers) as url:
        cut_at(kept, f"{url}/list", server, 6000)
        answers["/list"] = body(LIST[6000:], 206, Content_Range=where, ETag='"one"')
        with pytest.raises(ListUnreachable, match="another part than was asked for"):
            fetched(f"{url}/list", kept)
        assert left_in(kept) == set()
        answers["/list"] = server
        fetched(f"{url}/list", kept, RIGHT)


def test_a_part_that_was_put_together_wrongly_is_found_by_the_checksum_and_dropped(kept: Path) -> None:
    server = Published(LIST)
    with serving({"/list": server}) as url:
        cut_at(kept, f"{url}/list", server, 6000)
        server.data = NEW  # under the same ETag
        with pytest.raises(ListRefused, match="checksum"):
            fetched(f"{url}/list", kept, RIGHT)
    assert left_in(kept) == set()


@pytest.mark.parametrize("answer", [body(b"", 503), no_answer], ids=["503", "no answer"])
def test_a_part_outlives_a_server_that_is_out_of_order(kept: Path, answer: Answer) -> None:
    server = Published(LIST)
    answers: dict[str, Answer] = {"/list": server}
    with serving(answers) as url:
        cut_at(kept, f"{url}/list", server, 6000)
        answers["/list"] = answer
        with pytest.raises(ListUnreachable):
            fetched(f"{url}/list", kept)
        answers["/list"] = server
        fetched(f"{url}/list", kept, RIGHT)
    assert server.answered == [200, 206]


def test_a_list_that_did_not_change_after_all_drops_the_part(kept: Path) -> None:
    server = Published(LIST)
    with serving({"/list": server}) as url:
        fetched(f"{url}/list", kept)
        server.data, server.etag, server.cut = NEW, '"two"', 6000
        with pytest.raises(ListUnreachable, match="goes on from there"):
            fetched(f"{url}/list", kept)
        assert (kept / "mine").read_bytes() == LIST
        server.data, server.etag, server.cut = LIST, '"one"', None
        assert "not modified" in fetched(f"{url}/list", kept)
    assert left_in(kept) == {"mine", "mine.json"}
    assert server.answered == [200, 200, 304]


def test_nobody_answers(kept: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ListUnreachable, match="nobody answers at the server's address; try again later"):
        fetched(f"http://127.0.0.1:{port}/list", kept)


def test_a_silent_server_is_given_up(kept: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(ListUnreachable, match="took too long"):
        fetched(f"http://127.0.0.1:{listener.getsockname()[1]}/list", kept)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/list", "file:///etc/passwd", "http://[", "list"])
def test_what_is_no_web_address(kept: Path, url: str) -> None:
    with pytest.raises(ListRefused, match="not a web address"):
        fetched(url, kept)


def test_plain_http_off_loopback_is_refused_without_a_checksum(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loopback server stands in for a far one: only the set of hosts that count as near is emptied."""
    monkeypatch.setattr("categories.download_addresses._LOOPBACK", frozenset())
    with serving({"/list": body(LIST)}) as url:
        with pytest.raises(ListRefused, match="plain http"):
            fetched(f"{url}/list", kept)
        fetched(f"{url}/list", kept, RIGHT)


@pytest.mark.parametrize("checksum", [None, RIGHT], ids=["no checksum", "checksum"])
def test_a_server_that_redirects_to_an_address_inside_is_not_followed(kept: Path, checksum: str | None) -> None:
    """127.0.0.1 stands for the far server, localhost for this machine; nothing is asked there."""
    inner = Published(LIST)
    answers: dict[str, Answer] = {"/inner": inner}
    with serving(answers) as url:
        answers["/list"] = redirect(f"http://localhost:{url.rpartition(':')[2]}/inner?token=secret")
        with pytest.raises(ListRefused, match="redirects to an address of this machine") as refusal:
            fetched(f"{url}/list", kept, checksum)
    assert "secret" not in str(refusal.value)
    assert inner.asked == []


def endless_redirect(request: BaseHTTPRequestHandler) -> None:
    """Says where the list is, and goes on for ever."""
    request.send_response(302)
    request.send_header("Location", "/list")
    request.end_headers()
    with suppress(OSError):
        while True:
            request.wfile.write(b"elsewhere\n" * 10_000)


def test_the_body_of_a_redirect_is_not_read(kept: Path) -> None:
    with serving({"/old": endless_redirect, "/list": body(LIST)}) as url:
        fetched(f"{url}/old", kept)
    assert (kept / "mine").read_bytes() == LIST


@pytest.mark.parametrize(("hops", "come"), [(5, True), (6, False)])
def test_a_handful_of_redirects_is_followed(kept: Path, hops: int, come: bool) -> None:
    answers = {f"/{left}": redirect(f"/{left - 1}") for left in range(1, hops + 1)} | {"/0": body(LIST)}
    with serving(answers) as url, nullcontext() if come else pytest.raises(ListUnreachable, match="again and again"):
        fetched(f"{url}/{hops}", kept)
    assert left_in(kept) == ({"mine", "mine.json"} if come else set())
