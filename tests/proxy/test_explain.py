from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

import pytest

from categories.address import MalformedAddress
from proxy.evaluate import evaluate
from proxy.explain import explain
from proxy.identity.accounts import Account, Accounts
from proxy.unblock import Scope
from tests.proxy.policy import MONDAY, facts, snapshot, table, unblock

TABLE = table("precedence.yaml")
UNBLOCKS = [
    unblock(**one | {"scope": Scope(one.get("scope", "host")), "authors": tuple(one.get("authors", ["its.one"]))})
    for one in TABLE["unblocks"]
]
POLICY = snapshot(TABLE["district"], TABLE["lists"], unblocks=UNBLOCKS, its_blocks=TABLE["its_blocks"])
CHILD_ABUSE = {"https://abuse.test/", "https://abuse-two.test/secret"}
ASKED = sorted({case["url"] for case in TABLE["cases"].values()} - CHILD_ABUSE)


@pytest.mark.parametrize("url", ASKED)
@pytest.mark.parametrize("user", ["ana", "comms.officer"])
def test_it_says_what_the_proxy_does(url, user):
    said = explain(url, user, MONDAY, POLICY).verdict
    connect = evaluate(facts(url, "connect", user=user), POLICY)
    done = (
        connect
        if connect.action == "passthrough" and url.startswith("https")
        else evaluate(facts(url, user=user), POLICY)
    )
    assert said == done


@pytest.mark.parametrize(
    ("url", "row", "fates"),
    [
        ("https://site.test/", "default", []),
        ("https://adult.test/", "floor", ["decides", "white list"]),
        ("https://both.test/", "category, for the user's group and hour", ["decides", "lifted by unblock u-both.test"]),
        ("https://lesson.casino.test/", "ITS unblock", ["lifted by unblock u-lesson.casino.test"] * 2),
        ("https://corrected.test/", "floor unblocked by two people", ["lifted by unblock u-corrected.test"]),
        ("https://banned.test/", "ITS block", ["decides", "white list"]),
        ("https://museum.test/", "white list", ["white list", "covered by a white list"]),
        ("https://games.test/", "monitored category", ["monitored"]),
        ("https://mail.test/", "default", ["allowed and recorded"]),
        ("https://filter.district.test/", "the filter's own name: always reachable", []),
        ("https://pinned.test/", "default; not decrypted: pinned.test (ITS: pinned)", []),
        ("https://bank.test/", "default; not decrypted, as its category is passed through", ["allowed and recorded"]),
    ],
)
def test_it_says_why(url, row, fates):
    found = explain(url, "ana", MONDAY, POLICY)
    assert found.row == row
    assert [weighed.fate for weighed in found.weighed] == fates


def test_groups_and_hours_are_named():
    assert explain("social.test", "comms.officer", MONDAY, POLICY).weighed[0].fate == "allowed for communications"
    later = MONDAY + timedelta(hours=7)
    assert explain("shop.test", "ana", later, POLICY).weighed[0].fate == "allowed at this hour"


@pytest.mark.parametrize("url", sorted(CHILD_ABUSE))
def test_it_is_no_way_to_search_child_abuse_lists(url):
    found = explain(url, "ana", MONDAY, POLICY)
    assert found.verdict.reason == "default"
    assert not found.weighed
    assert any("Child-abuse lists are not asked" in note for note in found.notes)


def test_every_match_is_shown_with_list_version_file_and_line():
    text = "\n".join(explain("https://both.test/x", "ana", MONDAY, POLICY).lines())
    assert "category.malware by both.test in starter 2026-11-22 3f9a1c2e, malware/domains:7: decides" in text
    assert "ana (no group), Mon 2026-11-23 10:00 PST" in text
    assert "revision 7, lists test" in text


def test_json_holds_the_same():
    found = json.loads(json.dumps(explain("https://lesson.casino.test/", "ana", MONDAY, POLICY).as_dict()))
    assert (found["action"], found["reason"], found["row"]) == ("allow", "unblock", "ITS unblock")
    assert found["at"] == "2026-11-23T18:00:00Z"
    assert found["matches"][0]["file"] == "gambling/domains"
    assert (found["unblock"]["authors"], found["unblock"]["lifts"]) == (["its.one"], ["gambling"])


@dataclass(frozen=True)
class Below:
    counts: dict[str, int | None]
    unread: tuple[str, ...] = ()


def test_it_says_what_else_an_entry_covers():
    asked = []

    def count_below(domains, besides):
        asked.append((domains, besides))
        return Below({"casino.test": 214, "lesson.casino.test": None}, ("2026-11-20.db: damaged",))

    found = explain("https://lesson.casino.test/", "ana", MONDAY, POLICY, count_below=count_below)
    assert asked == [(("casino.test", "lesson.casino.test"), "lesson.casino.test")]
    text = "\n".join(found.lines())
    assert (
        "covers   casino.test with its sub-domains: also 214 other hosts that were visited in the last 30 days" in text
    )
    assert "covers   lesson.casino.test with its sub-domains: also fewer than 3 other hosts" in text
    assert "note     Not all visited hosts were counted: 2026-11-20.db: damaged" in text
    told = {match["entry"]: match for match in json.loads(json.dumps(found.as_dict()))["matches"]}
    assert told["casino.test"]["other_hosts"] == {"count": 214}
    assert told["lesson.casino.test"]["other_hosts"] == {"fewer_than": 3}
    assert (told["casino.test"]["covers"], told["casino.test"]["shared_host"]) == ("domain", False)


def test_it_says_what_a_narrow_entry_covers_and_that_a_shared_host_is_wide():
    policy = snapshot(entries=["ads: =shop.test", "ads: news.test/odds", "ads: amazonaws.com"])

    def covers(url):
        return [text for name, _, text in (line.partition("   ") for line in explain(url, None, MONDAY, policy).lines())
                if name == "covers"]  # fmt: skip

    assert covers("https://shop.test/") == ["shop.test alone"]
    assert covers("https://news.test/odds/1") == ["addresses that begin with news.test/odds"]
    (wide,) = covers("https://bucket.s3.amazonaws.com/")
    assert wide == "amazonaws.com with its sub-domains; WIDE: a shared host, strangers have sites below it"


def test_a_technique_covers_nothing_that_could_be_counted():
    found = explain("https://192.0.2.1/", None, MONDAY, POLICY, count_below=lambda domains, _: Below({}))
    assert found.weighed
    assert [each.reach for each in found.weighed] == [None]


def test_without_a_user_it_explains_what_anybody_gets():
    found = explain("https://social.test/", None, MONDAY, POLICY)
    assert found.verdict.reason == "category.social-media"
    assert any("No user was given" in note for note in found.notes)


def test_it_says_where_nobody_can_sign_in():
    accounts = Accounts()
    for name, disabled in (("ana", False), ("gone", True)):
        accounts = accounts.with_account(Account(name, "", disabled, 1, "staff", MONDAY))

    def last(user):
        return explain("https://site.test/", user, MONDAY, POLICY, accounts).notes[-1]

    assert 'There is no account "nobody"' in last("nobody")
    assert "The account gone is disabled" in last("gone")
    assert "account" not in last("ana") + last("ANA")


@pytest.mark.parametrize("url", ["", "ftp://site.test/", "https://", "https://site.test:0/", "https://a b/", "\0"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(MalformedAddress):
        explain(url, "ana", MONDAY, POLICY)


def test_it_tells_what_an_address_holds_and_how_that_is_looked_at():
    said = explain("https://adult-test.translate.goog/page?_x_tr_sl=en", "ana", MONDAY, POLICY)
    assert said.inside == ("https://adult.test/page: shown by a relay, so judged in full",)
    assert said.verdict.reason == "bypass.nested-address"
    decides = next(line for line in said.lines() if line.startswith("match"))
    assert "bypass.nested-address (blocked address inside another address) by adult.test in starter" in decides
    assert "inside   https://adult.test/page" in "\n".join(said.lines())
    assert said.as_dict()["inside"] == list(said.inside)


def test_an_address_that_is_only_carried_is_told_too():
    said = explain("share.test/?u=https://games.test/", "ana", MONDAY, POLICY)
    assert said.url == "https://share.test/?u=https://games.test/"
    assert [line.partition(": ")[0] for line in said.inside] == ["https://games.test/"]
    assert said.verdict.forwards


def test_a_long_address_is_looked_at_whole():
    said = explain(f"https://share.test/?a={'x' * 6000}&u=https://adult.test/", "ana", MONDAY, POLICY)
    assert said.verdict.category == "pornography"


def test_what_cannot_be_read_and_what_is_too_much_is_told():
    assert "cannot be read" in explain("https://r.jina.ai/https://a:99999/", "ana", MONDAY, POLICY).inside[0]
    many = "&".join(f"u=http://a{n}.test/" for n in range(300))
    said = explain(f"https://share.test/?{many}", "ana", MONDAY, POLICY)
    assert said.inside == ("more addresses than are looked at: refused",)
    assert not said.verdict.forwards


def test_a_detectors_hit_is_told_in_its_own_words():
    said = explain(
        "https://site.test/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB", "ana", MONDAY, POLICY
    )
    assert "bypass.encrypted-dns (encrypted DNS)" in "\n".join(said.lines())
