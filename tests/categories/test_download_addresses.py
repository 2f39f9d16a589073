from __future__ import annotations

from contextlib import nullcontext

import pytest

from categories.download_addresses import check_address, check_redirect
from categories.errors import ListRefused
from categories.sources import ListSource

FAR = "https://far.test/list"
_ANY = f"sha256:{'0' * 64}"


def mine(checksum: str | None = None) -> ListSource:
    return ListSource("mine", "domains", url=FAR, category="gambling", checksum=checksum)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (FAR, None),
        ("https://10.0.0.5/list", None),  # the district's own mirror
        ("http://127.0.0.1:81/list", None),
        ("http://far.test/list", "plain http"),
        ("http://10.0.0.5/list", "plain http"),
        ("ftp://far.test/list", "not a web address"),
        ("", "not a web address"),
    ],
)
def test_what_the_settings_may_name(url: str, problem: str | None) -> None:
    with pytest.raises(ListRefused, match=problem) if problem else nullcontext():
        check_address(mine(), url)


@pytest.mark.parametrize("checksum", [None, _ANY], ids=["no checksum", "checksum"])
@pytest.mark.parametrize(
    "target",
    [
        *("https://127.0.0.1:8081/", "http://127.0.0.1/", "https://localhost/", "https://LOCALHOST./"),
        *("https://a.localhost/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0.0.0.0/"),
        *("https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://100.64.0.1/"),
        *("https://169.254.169.254/latest/", "https://224.0.0.1/", "https://[::1]/", "https://[::]/"),
        *("https://[::ffff:127.0.0.1]/", "https://[fe80::1]/", "https://[fd00::1]/", "https://[ff02::1]/"),
    ],
)
def test_no_server_outside_sends_a_download_inside(target: str, checksum: str | None) -> None:
    with pytest.raises(ListRefused, match="redirects to an address of this machine or of a private network; check"):
        check_redirect(mine(checksum), FAR, target)


@pytest.mark.parametrize(
    ("url", "target", "problem"),
    [
        (FAR, "https://cdn.test/list", None),
        (FAR, "https://8.8.8.8/list", None),
        (FAR, "https://[2606:4700::1]/list", None),
        ("https://10.0.0.5/a", "https://10.0.0.5/b", None),
        ("http://127.0.0.1:81/a", "http://127.0.0.1:81/b", None),
        ("https://10.0.0.5/a", "https://10.0.0.6/b", "private network"),
        (FAR, "http://far.test/list", "plain http"),
        (FAR, "ftp://far.test/list", "not a web address"),
        (FAR, "https://", "not a web address"),
    ],
)
def test_where_a_server_may_send_a_download(url: str, target: str, problem: str | None) -> None:
    with pytest.raises(ListRefused, match=problem) if problem else nullcontext():
        check_redirect(mine(), url, target)


def test_plain_http_is_followed_where_a_checksum_is_given() -> None:
    check_redirect(mine(_ANY), FAR, "http://far.test/list")
