import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories.address import Address, MalformedAddress, parse
from config.rewritten_hosts import search_hosts
from proxy.facts import Intent
from proxy.search_terms import CAP, searched

ROWS = [
    ("https://www.google.com/search?q=sea+otters&hl=en", "sea otters"),
    ("https://www.google.co.uk/search?hl=en&q=sea%20otters", "sea otters"),
    ("https://images.google.de/search?q=caf%C3%A9&tbm=isch", "café"),
    ("https://www.bing.com/images/search?q=otters", "otters"),
    ("https://duckduckgo.com/?q=otters&ia=web", "otters"),
    ("https://html.duckduckgo.com/html/?q=otters", "otters"),
    ("https://uk.search.yahoo.com/search?p=otters", "otters"),
    ("https://yandex.com.tr/search/?text=otters", "otters"),
    ("https://search.brave.com/search?q=otters", "otters"),
    ("https://www.youtube.com/results?search_query=otters", "otters"),
    ("https://www.google.com/search?Q=otters", "otters"),
    ("https://www.google.com/search?q=a%0d%0ab%00c%1b[31m", "a  b c [31m"),
    ("https://www.google.com/search?q=%ff", "\ufffd"),
    ("https://www.google.com/search?q=", None),
    ("https://www.google.com/search?q=+", None),
    ("https://www.google.com/search?hl=en", None),
    ("https://www.google.com/", None),
    ("https://www.google.com/url?q=https://site.test/private", None),
    ("https://www.google.com/maps?q=12+Elm+Street", None),
    ("https://www.google.com/maps/search?q=12+Elm+Street", None),
    ("https://www.google.com/aclk?q=https://site.test/private", None),
    ("https://www.google.com/accounts/x?q=secret", None),
    ("https://www.google.com/searching?q=secret", None),
    ("https://www.bing.com/ck/a?q=otters", None),
    ("https://www.bing.com/search/?q=otters", "otters"),
    ("https://duckduckgo.com/l/?q=https://site.test/private", None),
    ("https://lite.duckduckgo.com/lite/?q=otters", "otters"),
    ("https://www.youtube.com/watch?search_query=otters", None),
    ("https://www.google.test/search?q=otters", None),
    ("https://mail.google.com/mail?q=letter", None),
    ("https://site.test/search?q=otters", None),
    ("https://mail.yahoo.com/?p=otters", None),
]


@pytest.mark.parametrize(("url", "terms"), ROWS, ids=[row[0] for row in ROWS])
def test_what_was_searched_for(url: str, terms: str | None) -> None:
    assert searched(parse(url), Intent.NAVIGATE) == terms


@pytest.mark.parametrize("intent", [Intent.SUBRESOURCE, Intent.BACKGROUND, Intent.PREFETCH])
def test_what_nobody_went_to_is_no_search(intent: Intent) -> None:
    assert searched(parse("https://www.google.com/complete/search?q=ott"), intent) is None


def test_it_is_bounded() -> None:
    assert searched(parse(f"https://www.google.com/search?q={'x' * 4000}"), Intent.NAVIGATE) == "x" * CAP
    assert searched(parse(f"https://www.google.com/search?{'a=1&' * 900}q=x"), Intent.NAVIGATE) is None


@given(st.sampled_from(["www.google.com", "www.youtube.com", "yandex.ru"]), st.text() | st.binary().map(repr))
def test_hostile_text_raises_nothing(host: str, query: str) -> None:
    try:
        address = parse(f"https://{host}/search?{query}")
    except MalformedAddress:
        address = Address("https", host, 443, "/search", query)
    terms = searched(address, Intent.NAVIGATE)
    assert terms is None or (terms.isprintable() and 0 < len(terms) <= CAP)


def test_every_engine_says_where_its_question_stands() -> None:
    assert all(engine.terms and engine.pages for engine in search_hosts().values())
