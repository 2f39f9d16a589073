from __future__ import annotations

import base64
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from categories.address import MalformedAddress, parse
from categories.paths import decode_unreserved
from proxy.detectors.unwrapping import (
    CHARACTERS,
    DEPTH,
    OPENINGS,
    TEXTS,
    Budget,
    TooMuch,
    addresses_in,
    suspects,
    unquoted,
)

CODINGS = {
    "percent": lambda text: quote(text, safe=""),
    "every letter in percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal in capitals": lambda text: text.encode().hex().upper(),
}
ADDRESSES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["http://", "https://", "HTTPS://", "hTtP://", "https:/"]),
    st.from_regex(r"[a-z0-9]{1,12}(-[a-z]{1,5})?\.(test|example)", fullmatch=True),
    st.sampled_from(["", ":8443"]),
    st.from_regex(r"(/[a-z0-9._~%?&=-]{0,30})?", fullmatch=True),
)


def hosts_in(path, query):
    found = set()
    for text in suspects(path, query):
        for address in addresses_in(text, Budget()):
            try:
                found.add(parse(address).host)
            except MalformedAddress:
                continue
    return found


def host_of(address):
    try:
        return parse(address).host
    except MalformedAddress:  # a stray "%" in its path
        return parse(address.partition("?")[0].replace("%", "")).host


def wrapped(address, codings):
    for coding in codings:
        address = CODINGS[coding](address)
    return address


@given(ADDRESSES, st.lists(st.sampled_from(sorted(CODINGS)), max_size=DEPTH))
@settings(deadline=None)
def test_what_any_composition_of_codings_wrapped_is_found_in_a_query(address, codings):
    value = quote(wrapped(address, codings), safe="")
    assert host_of(address) in hosts_in("/", decode_unreserved(f"a=1&u={value}&b=2"))


@given(ADDRESSES, st.lists(st.sampled_from(sorted(CODINGS)), min_size=1, max_size=DEPTH))
@settings(deadline=None)
def test_what_any_composition_of_codings_wrapped_is_found_in_a_path(address, codings):
    segment = quote(wrapped(address, codings), safe="")
    assert host_of(address) in hosts_in(decode_unreserved(f"/proxy/{segment}"), "")
    assert host_of(address) in hosts_in(decode_unreserved(f"/proxy/{segment}/index.html"), "a=b")


@given(st.text(max_size=200), st.text(max_size=200))
def test_nothing_that_is_sent_makes_it_raise(path, query):
    hosts_in(f"/{path}", query)


@given(st.lists(st.sampled_from([*sorted(OPENINGS), "/", "=", "&", "%25", "xyz"]), max_size=3000).map("".join))
@settings(deadline=None)
def test_it_costs_no_more_than_its_budget(text):
    budget, read = Budget(), 0
    try:
        for suspect in suspects(f"/{text}", text):
            list(addresses_in(suspect, budget))
            read += len(suspect)
    except TooMuch:
        assert budget.left < 0
    assert read <= CHARACTERS
    assert len(suspects(f"/{text}", text)) <= 2 * TEXTS + 2


def test_a_text_costs_its_characters_and_again_as_little_as_any():
    budget, costs = Budget(), []
    for text in ("http://a.test/", "http://a.test/" + "x" * 1000, "http://a.test/" + "x" * 1000):
        before = budget.left
        assert addresses_in(text, budget) == (text,)
        costs.append(before - budget.left)
    assert costs[1] == costs[0] + 1000
    assert 0 < costs[2] < costs[0]


@given(st.text(max_size=200) | st.lists(st.sampled_from(["%", "%4", "%41", "%c3%BC", "%ff", "u"])).map("".join))
def test_percent_encoding_is_undone_as_the_library_does(text):
    if all(not "\ud800" <= char <= "\udfff" for char in text):
        assert unquoted(text) == unquote(text)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/", ""),
        ("/a/b/c/index.html", "id=12&page=4&sort=-name"),
        ("/assets/4f3e2a1b9c/app.js", "v=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"),
        ("/dns-query", "dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB"),
        ("/x", "q=%7B%22a%22%3A1%7D&r=%5B1%2C2%5D&d=2026-11-23T10%3A00%3A00Z"),
    ],
)
def test_ordinary_requests_hold_nothing_to_look_at(path, query):
    assert suspects(path, query) == ()


def test_a_host_that_does_not_end_in_the_window_is_too_much():
    with pytest.raises(TooMuch):
        list(addresses_in(f"https://{'x' * 5000}@site.test/", Budget()))
    assert list(addresses_in(f"https://site.test/{'x' * 5000}", Budget()))


@pytest.mark.parametrize(
    "text",
    ["aHR0", "aHR0cDov", "6874747", "687474703a2f2g", "%25", "%", "httpd", "aHR0cHM6Ly9!", "=" * 20, "\ufffd" * 9],
)
def test_what_only_begins_like_an_address_is_none(text):
    for found in addresses_in(text, Budget()):
        with pytest.raises(MalformedAddress):
            parse(found)
