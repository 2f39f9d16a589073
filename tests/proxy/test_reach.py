from __future__ import annotations

import pytest

from categories.entries import Covers
from proxy.reach import domains_of, reach_of
from proxy.verdict import Match


def match(entry, covers):
    return Match("category.ads", "advertising", "ads", "ut1", "2026-11-22 ab", "ads/domains", 3, entry, covers)


@pytest.mark.parametrize(
    ("covers", "entry", "line"),
    [
        (Covers.DOMAIN, "ads.test", "ads.test with its sub-domains"),
        (Covers.HOST, "ads.test", "ads.test alone"),
        (Covers.PREFIX, "ads.test/a", "addresses that begin with ads.test/a"),
        (Covers.EXPRESSION, "ad[0-9]+", "addresses that match ad[0-9]+"),
    ],
)
def test_every_way_to_cover_has_its_words(covers, entry, line):
    assert reach_of(match(entry, covers), {}).line() == line
    assert reach_of(match(entry, covers), {}).as_dict() == {"shared_host": False, "other_hosts": None}


@pytest.mark.parametrize(
    ("count", "words", "told"),
    [
        (None, "also fewer than 3 other hosts that were visited in the last 30 days", {"fewer_than": 3}),
        (3, "also 3 other hosts that were visited in the last 30 days", {"count": 3}),
        (214_000, "also 214,000 other hosts that were visited in the last 30 days", {"count": 214_000}),
    ],
)
def test_a_small_number_is_not_told(count, words, told):
    reach = reach_of(match("ads.test", Covers.DOMAIN), {"ads.test": count})
    assert reach.line().endswith(words)
    assert reach.as_dict()["other_hosts"] == told


def test_only_what_covers_sub_domains_is_counted():
    found = [match("a.test", Covers.DOMAIN), match("b.test", Covers.HOST), match("c.test/x", Covers.PREFIX)]
    assert domains_of([*found, found[0], Match("bypass.tor", "Tor")]) == ("a.test",)
    assert reach_of(match("b.test", Covers.HOST), {"b.test": 9}).counted is False


def test_what_is_no_entry_of_a_list_covers_nothing():
    assert reach_of(Match("bypass.tor", "Tor"), {}) is None
    assert reach_of(Match("its-block", "blocked", entry="a.test"), {}) is None
    assert reach_of(Match("category.child-abuse", "x", "child-abuse", "iwf", "1"), {}) is None
