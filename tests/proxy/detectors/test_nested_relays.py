"""The forms of single relays; tests/cases/nested.yaml has what becomes of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories.address import MalformedAddress, canonical_host, parse
from proxy.detectors.nested_relays import RELAYS, UNREADABLE, relay_of


def named(url):
    address = parse(url)
    relay = relay_of(address.host)
    return list(relay(address.host, address.path, address.query)) if relay else None


#: Google's own examples (Search Central, "Ad networks and translation"), and what they stand for.
TRANSLATED = {
    "https://example-com.translate.goog": "example.com",
    "https://foo-example-com.translate.goog": "foo.example.com",
    "https://foo--example-com.translate.goog": "foo-example.com",
    "https://0-57hw060o-com.translate.goog/?_x_tr_enc=0": "xn--57hw060o.com",
    "https://1-en--us-example-com.translate.goog/?_x_tr_enc=1": "en-us.example.com",
    "https://0-en----w45as309w-com.translate.goog/?_x_tr_enc=0": "xn--en--w45as309w.com",
    "https://1-0-----16pw588q-com.translate.goog/?_x_tr_enc=0,1": "xn----16pw588q.com",
    "https://lanfairpwllgwyngyll-co-uk.translate.goog/?_x_tr_hp=l": "llanfairpwllgwyngyll.co.uk",
    "https://lanfairpwllgwyngyll-co-uk.translate.goog/?_x_tr_hp=www-l": "www.llanfairpwllgwyngyll.co.uk",
}


@pytest.mark.parametrize("url", TRANSLATED)
def test_the_translators_examples(url):
    assert f"https://{TRANSLATED[url]}/" in named(url)


@given(st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,5}){0,2}(\.[a-z][a-z0-9]{0,8}){1,3}", fullmatch=True))
def test_any_host_comes_back_from_its_translated_form(host):
    label = host.replace("-", "--").replace(".", "-")
    assert f"https://{host}/" in named(f"https://{label}.translate.goog/?_x_tr_sl=en")


def test_the_translators_own_parameters_are_not_the_pages():
    assert named("https://lesson-test.translate.goog/a?_x_tr_sl=en&id=4&_x_tr_tl=es") == ["https://lesson.test/a?id=4"]


def test_a_digest_cannot_be_read_back():
    assert named(f"https://{'a' * 26}-{'b' * 15}-test.translate.goog/") == [UNREADABLE]


@pytest.mark.parametrize("host", RELAYS)
def test_every_relay_stands_under_its_canonical_name(host):
    assert canonical_host(host) == host
    assert relay_of(host) is relay_of(f"www.{host}") or host.startswith("www.")


@pytest.mark.parametrize("host", ["nottranslate.goog", "translate.goog.test", "google.school.test", "xgoogle.com"])
def test_what_only_looks_like_one_is_none(host):
    assert relay_of(host) is None


@given(st.sampled_from(sorted(RELAYS)), st.text(max_size=100), st.text(max_size=100))
def test_no_path_makes_one_raise(host, path, query):
    list(RELAYS[host](host, f"/{path}", query))


@pytest.mark.parametrize("host", RELAYS)
def test_no_path_makes_one_slow(host):
    """A pattern that goes back over what it has read would take minutes for these, not a moment."""
    for piece in ("1", "a/", "1/", "w1000/", "save/", "timemap/a/", "-", "web/1*"):
        long = f"/web/{piece * (60_000 // len(piece))}"
        list(RELAYS[host](host, long, long))


LABELS = st.from_regex(r"(xn--|0-|1-)?[a-z0-9\u00e0-\u00ff-]{1,30}(-0)?", fullmatch=True)


@given(LABELS, st.sampled_from(["translate.goog", "cdn.ampproject.org"]), st.text(max_size=40))
def test_no_name_makes_one_raise(label, relay, query):
    try:
        host = canonical_host(f"{label}.{relay}")
    except MalformedAddress:
        return
    names = relay_of(host)
    assert names is not None
    list(names(host, "/", query))
