from __future__ import annotations

import hashlib
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from categories.download import DownloadLimits, download
from categories.errors import ListRefused, ListsRefused, ListUnreachable
from categories.sources import ListSource
from categories.update import silent
from tests.categories.server import Answer, body, cut_off, drip, redirect, serving

if TYPE_CHECKING:
    from pathlib import Path

LIST = b"blocked.test\n" * 1000
LIMITS = DownloadLimits(size=100_000, seconds=0.6, idle=0.4)


def fetched(url: str, tmp_path: Path, checksum: str | None = None) -> Path:
    source = ListSource("mine", "domains", url=url, category="gambling", checksum=checksum)
    download(source, tmp_path / "mine", silent, LIMITS)
    return tmp_path / "mine"


def test_a_list_arrives_with_its_own_time(tmp_path: Path) -> None:
    with serving({"/list": body(LIST, Last_Modified="Sun, 01 Nov 2026 10:00:00 GMT")}) as url:
        path = fetched(f"{url}/list", tmp_path)
    assert path.read_bytes() == LIST
    assert datetime.fromtimestamp(path.stat().st_mtime, UTC) == datetime(2026, 11, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("modified", ["Sun, 01 Nov 2099 10:00:00 GMT", "yesterday", "Sun, 99 Foo 2026"])
def test_a_time_in_the_future_or_nonsense_is_now(tmp_path: Path, modified: str) -> None:
    with serving({"/list": body(LIST, Last_Modified=modified)}) as url:
        path = fetched(f"{url}/list", tmp_path)
    assert abs(datetime.now(UTC).timestamp() - path.stat().st_mtime) < 600


def test_a_redirect_is_followed_and_the_checksum_holds(tmp_path: Path) -> None:
    with serving({"/old": redirect("/list"), "/list": body(LIST)}) as url:
        assert fetched(f"{url}/old", tmp_path, f"sha256:{hashlib.sha256(LIST).hexdigest()}").read_bytes() == LIST


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (body(b"", 500), ListUnreachable, "answered 500"),
        (body(b"", 404), ListUnreachable, "answered 404"),
        (body(b"", 304), ListUnreachable, "answered 304"),
        (cut_off(LIST), ListUnreachable, "broke off"),
        (drip, ListUnreachable, "took too long"),
        (body(b"<!doctype html><h1>Sign in to the Wi-Fi</h1>"), ListRefused, "web page"),
        (body(b"x" * 200_000), ListRefused, "larger than"),
        (body(b""), ListRefused, "sent nothing"),
        (redirect("/list"), ListUnreachable, "broke off: TooManyRedirects"),
        (redirect("ftp://127.0.0.1/list"), ListRefused, "not a web address"),
    ],
)
def test_what_a_server_may_do_wrong(tmp_path: Path, answer: Answer, error: type[ListsRefused], words: str) -> None:
    with serving({"/list": answer}) as url, pytest.raises(error, match=words) as refusal:
        fetched(f"{url}/list?token=secret", tmp_path)
    assert "\n" not in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_another_checksum_is_refused(tmp_path: Path) -> None:
    with serving({"/list": body(LIST)}) as url, pytest.raises(ListRefused, match="checksum"):
        fetched(f"{url}/list", tmp_path, "0" * 64)


def test_nobody_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ListUnreachable, match="broke off: ConnectError"):
        fetched(f"http://127.0.0.1:{port}/list", tmp_path)


def test_a_silent_server_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(ListUnreachable, match="took too long"):
        fetched(f"http://127.0.0.1:{listener.getsockname()[1]}/list", tmp_path)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/list", "file:///etc/passwd", "http://[", "list"])
def test_what_is_no_web_address(tmp_path: Path, url: str) -> None:
    with pytest.raises(ListRefused, match="not a web address"):
        fetched(url, tmp_path)


def test_plain_http_off_loopback_is_refused_without_a_checksum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loopback server stands in for a far one: only the set of hosts that count as near is emptied."""
    monkeypatch.setattr("categories.download._LOOPBACK", frozenset())
    with serving({"/list": body(LIST)}) as url:
        with pytest.raises(ListRefused, match="plain http"):
            fetched(f"{url}/list", tmp_path)
        assert fetched(f"{url}/list", tmp_path, hashlib.sha256(LIST).hexdigest()).exists()
