"""What a client asks for: caps, weights, languages. The shapes are in tests/proxy/test_block_page.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.pages.ask import HEADERS_CAP, VALUE_CAP, Ask, ask_of, language_of, shape_of, weighted

LANGUAGES = ("en", "es")


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("", "en"),
        ("es", "es"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("ES-419", "es"),
        ("en-US,en;q=0.9,es;q=0.8", "en"),
        ("en;q=0.2, es;q=0.7", "es"),
        ("fr,de;q=0.9,es;q=0.1", "es"),
        ("fr", "en"),
        ("*", "en"),
        ("es;q=0, en;q=0.1", "en"),
        ("es;q=0", "en"),
        ("es;q=banana", "en"),
        ("es;q=nan", "en"),
        ("es;q=2", "en"),
        ("estonian", "en"),
        (";;;,,,;q=1", "en"),
        ("fr," * 5000 + "es", "en"),
    ],
)
def test_the_language_follows_accept_language(wanted: str, language: str) -> None:
    assert language_of(ask_of([("Accept-Language", wanted)]), LANGUAGES) == language


def test_headers_are_read_in_any_case_and_type_and_the_first_counts() -> None:
    ask = ask_of([(b"SEC-FETCH-DEST", b" Document "), ("sec-fetch-dest", "image"), (b"accept", b"\xff")], "head")
    assert ask == Ask(method="HEAD", sec_fetch_dest="document", accept="\xff")


def test_long_values_and_many_headers_are_cut() -> None:
    assert len(ask_of([("accept", "a" * 100_000)]).accept) == VALUE_CAP
    assert ask_of([("x", "y")] * HEADERS_CAP + [("accept", "text/html")]).accept == ""


def test_heavier_members_come_first_and_equal_ones_keep_their_order() -> None:
    assert list(weighted("a;q=0.1, b, c;level=1;q=0.5, d")) == ["b", "d", "c", "a"]


@given(
    st.lists(st.tuples(st.binary() | st.text(), st.binary() | st.text())),
    st.text(),
    st.fixed_dictionaries({"Accept": st.text(), "Accept-Language": st.text(), "Sec-Fetch-Dest": st.text()}),
)
def test_no_header_makes_it_fail(
    headers: list[tuple[bytes | str, bytes | str]], method: str, known: dict[str, str]
) -> None:
    ask = ask_of([*known.items(), *headers], method)
    shape_of(ask)
    assert language_of(ask, LANGUAGES) in LANGUAGES
