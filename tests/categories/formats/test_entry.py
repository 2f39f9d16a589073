from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from categories.address import MalformedAddress, canonical_host
from categories.entries import Covers
from categories.formats import FORMATS, hosts, urls
from categories.formats.entry import each_line, listed_host, name_or_wildcard, whole_host
from categories.suffixes import is_registry_suffix
from config.list_settings import ListSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from categories.formats.entry import LineParser, ParsedLine


def test_the_registry_is_what_settings_may_name() -> None:
    assert set(FORMATS) == set(get_args(ListSource.model_fields["format"].annotation))


def test_a_wildcard_covers_the_name_too() -> None:
    assert [name_or_wildcard(1, text).covers for text in ("*.a.test", "a.test")] == [Covers.DOMAIN, Covers.HOST]
    with pytest.raises(MalformedAddress, match="over an address"):
        name_or_wildcard(1, "*.192.0.2.1")


def test_an_address_has_no_sub_domains() -> None:
    assert [whole_host(1, host).covers for host in ("a.test", "192.0.2.1", "::1")] == [
        Covers.DOMAIN,
        Covers.HOST,
        Covers.HOST,
    ]


@pytest.mark.parametrize("host", ["github.io", "blogspot.com", "us-east-1.elb.amazonaws.com", "shop.github.io"])
def test_a_service_of_shared_hosting_may_be_listed(host: str) -> None:
    assert listed_host(host) == host


@pytest.mark.parametrize("host", ["com", "co.uk", "test", "anything.ck", "kawasaki.jp.", "localhost"])
def test_a_registry_suffix_or_a_single_label_is_no_entry(host: str) -> None:
    with pytest.raises(MalformedAddress, match="public suffix"):
        listed_host(host)


@given(st.from_regex(r"(?:[a-z0-9_-]{1,20}\.){1,3}[a-z][a-z0-9-]{0,10}", fullmatch=True))
def test_the_short_way_for_plain_names_agrees_with_the_long_one(text: str) -> None:
    try:
        host = canonical_host(text)
    except MalformedAddress:
        host = None
    if host is None or is_registry_suffix(host):
        with pytest.raises(MalformedAddress):
            listed_host(text)
    else:
        assert listed_host(text) == host


nearly_plain = st.from_regex(r"(?:[a-z0-9_-]{1,12}\.){1,4}[a-z][a-z0-9-]{0,6}", fullmatch=True) | st.sampled_from(
    [
        "localhost.localdomain",
        "co.uk",
        "kawasaki.jp",
        "github.io",
        f"{'a' * 64}.test",
        "xn--a.test",
        "a.b--c.test",
        "1.2.3.4",
    ]
)
tails = st.text(st.sampled_from("/aB0._~-%;?#\\ "), max_size=12)


@pytest.mark.parametrize(
    ("parse", "read", "form"),
    [
        (hosts.parse, hosts._entries, "0.0.0.0 {0}"),
        (urls.parse, lambda line, text: (urls.listed_url(line, text),), "{0}{1}"),
    ],
    ids=["hosts", "urls"],
)
@given(name=nearly_plain, tail=tails)
@example(name="a.test", tail="/a" * 2100)
@example(name="a.test", tail="/a//b/")
@example(name="www.a.test", tail="/")
def test_a_plain_line_is_what_a_long_look_makes_of_it(
    parse: LineParser, read: Callable[[int, str], Iterable[ParsedLine]], form: str, name: str, tail: str
) -> None:
    raw = form.format(name, tail).encode()
    assert list(parse([(7, raw)])) == list(each_line([(7, raw)], read))
