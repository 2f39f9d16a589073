"""Addresses, times and links before a person."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.pages.catalogue import catalogue
from proxy.pages.wording import mailto, shown_address, shown_time, telephone, visible
from tests.proxy.pages.samples import FACTS

PACIFIC = ZoneInfo("America/Los_Angeles")


@pytest.mark.parametrize(
    ("change", "host", "ascii_form", "rest"),
    [
        ({"query": "q=1"}, "pictures.listed.test", "", "/watch?q=1"),
        ({"path": "/", "query": ""}, "pictures.listed.test", "", ""),
        ({"path": "/", "query": "q=1"}, "pictures.listed.test", "", "/?q=1"),
        ({"port": 8443, "query": ""}, "pictures.listed.test", "", ":8443/watch"),
        ({"scheme": "http", "port": 80, "query": ""}, "pictures.listed.test", "", "/watch"),
        ({"scheme": "http", "query": ""}, "pictures.listed.test", "", ":443/watch"),
        ({"host": "2001:db8::1", "query": ""}, "[2001:db8::1]", "", "/watch"),
        ({"host": "xn--mnchen-3ya.test", "query": ""}, "münchen.test", "xn--mnchen-3ya.test", "/watch"),
        ({"host": "", "path": "/", "query": ""}, "", "", ""),
    ],
)
def test_an_address_is_shown_as_people_write_it(
    change: dict[str, object], host: str, ascii_form: str, rest: str
) -> None:
    shown = shown_address(replace(FACTS, **change), with_path=True)
    assert (shown.host, shown.ascii, shown.rest) == (host, ascii_form, rest)
    assert shown.title == (ascii_form or host)


def test_the_path_can_be_left_out() -> None:
    assert shown_address(FACTS, with_path=False).rest == ""


def test_a_long_path_is_cut_and_says_so() -> None:
    rest = shown_address(replace(FACTS, path="/" + "a" * 8192, query="b" * 8192), with_path=True).rest
    assert rest == "/" + "a" * 119 + "…"


def test_a_long_host_keeps_the_end_that_says_whose_it_is_in_the_title() -> None:
    host = "accounts.bank.test." + "a" * 60 + ".evil.test"
    shown = shown_address(replace(FACTS, host=host), with_path=True)
    assert shown.title.endswith(".evil.test")
    assert shown.host == host


@given(st.text(), st.integers(0, 50))
def test_nothing_invisible_is_left(text: str, cap: int) -> None:
    shown = visible(text, cap)
    assert len(shown) <= cap + 1
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text() | st.from_regex(r"\A(xn--[a-z0-9-]{0,20}\.){1,3}test\Z"))
def test_no_host_makes_it_fail_or_hides_anything(host: str) -> None:
    shown = shown_address(replace(FACTS, host=host), with_path=True)
    for text in (shown.host, shown.ascii, shown.title):
        assert visible(text, 1000) == text
        assert text.isascii() or text == shown.host


@pytest.mark.parametrize(
    ("at", "language", "shown"),
    [
        (datetime(2026, 11, 22, 23, 41, tzinfo=UTC), "en", "November 22, 2026, 3:41 PM PST"),
        (datetime(2026, 11, 22, 23, 41, tzinfo=UTC), "es", "22 de noviembre de 2026, 3:41 p. m. PST"),
        (datetime(2026, 7, 1, 7, 5, tzinfo=UTC), "en", "July 1, 2026, 12:05 AM PDT"),
        (datetime(2026, 7, 1, 19, 0, tzinfo=UTC), "en", "July 1, 2026, 12:00 PM PDT"),
        (datetime(2026, 1, 1, 7, 59, tzinfo=UTC), "es", "31 de diciembre de 2025, 11:59 p. m. PST"),
    ],
)
def test_a_time_is_the_district_s_own(at: datetime, language: str, shown: str) -> None:
    assert shown_time(at, PACIFIC, catalogue(language)) == shown


def test_links_cannot_grow_another_field() -> None:
    assert mailto("a@b.test?cc=x&bcc=y", "ref\r\nBcc: z&body=1") == (
        "mailto:a@b.test%3Fcc%3Dx%26bcc%3Dy?subject=ref%0D%0ABcc%3A%20z%26body%3D1"
    )
    assert telephone('+1 (209) 555-0100";evil') == "tel:+12095550100"
