from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from categories.address import PATH_CAP
from proxy.asking import as_asked
from proxy.detectors import DETECTORS
from proxy.detectors.nested import addresses_inside, nested
from proxy.detectors.nested_relays import RELAYS
from proxy.detectors.unwrapping import TEXTS, TooMuch
from proxy.evaluate import evaluate
from proxy.facts import Stage
from proxy.unblock import Scope
from proxy.verdict import Action
from tests.proxy.policy import facts, snapshot, table, unblock

TABLE = table("nested.yaml")
DISTRICT = """
proxy: {public_name: filter.school.test, allow_ports: [80, 443]}
groups: {communications: {users: [cora]}}
categories:
  gambling: block
  games: {action: monitor, until: 2027-01-31}
  social-media: {action: block, except_groups: [communications]}
  web-proxy: {action: block, except_groups: [communications]}
"""
POLICY = snapshot(DISTRICT, TABLE["lists"])
NESTED = "bypass.nested-address"


@pytest.mark.parametrize("sentence", TABLE["blocked"])
def test_blocked(sentence):
    case = TABLE["blocked"][sentence]
    verdict = evaluate(facts(case["url"]), POLICY)
    assert (verdict.action, verdict.reason, verdict.status) == (Action.BLOCK, NESTED, 403)
    assert verdict.category == (None if case["category"] == "none" else case["category"])


@pytest.mark.parametrize("sentence", TABLE["passes"])
def test_passes(sentence):
    case = TABLE["passes"][sentence]
    verdict = evaluate(facts(case["url"]), POLICY)
    assert verdict.forwards
    expected = (Action.MONITOR, NESTED) if "monitored" in case else (Action.ALLOW, "default")
    assert (verdict.action, verdict.reason) == expected


def test_there_are_enough_of_both():
    assert len(TABLE["blocked"]) >= 40
    assert len(TABLE["passes"]) >= 40


def judged(url, policy=POLICY, stage="request", **changes):
    return evaluate(facts(url, stage, **changes), policy)


def test_the_match_names_list_file_and_line():
    match = judged("https://casino-test.translate.goog/").match
    assert (match.list, match.list_version, match.file, match.entry) == (
        "starter",
        "2026-11-22 3f9a1c2e",
        "gambling/domains",
        "casino.test",
    )
    assert match.line == 4 + 1 + TABLE["lists"].index("gambling: casino.test")
    assert match.title == "gambling"


def test_an_entry_of_child_abuse_is_never_quoted():
    match = judged("https://unknown.test/?u=https://abuse.test/secret").match
    assert (match.category, match.list) == ("child-abuse", "starter")
    assert match.file is match.line is match.entry is None


@pytest.mark.parametrize(("user", "forwards"), [("ana", False), ("cora", True)])
@pytest.mark.parametrize("url", ["https://chat-test.translate.goog/", "https://unknown.test/?u=https://hide.test/"])
def test_a_category_is_judged_as_this_users_rules_say(url, user, forwards):
    assert judged(url, user=user).forwards is forwards


def test_of_several_addresses_the_worst_one_counts():
    url = "https://wsrv.nl/?url=https://fun.test&url=https://casino.test&url=https://adult.test"
    assert judged(url).category == "pornography"
    assert judged(f"{url}&url=https://abuse.test").category == "child-abuse"
    assert judged("https://wsrv.nl/?url=https://fun.test&url=https://casino.test").category == "gambling"


RELAY = "relay.unknown.test"


def lifted(*unblocks, its_blocks=()):
    return snapshot(DISTRICT, TABLE["lists"], unblocks=unblocks, its_blocks=its_blocks)


def test_an_unblock_of_the_inner_host_holds_inside_a_relay():
    policy = lifted(unblock("casino.test", ["gambling"]))
    assert judged("https://casino-test.translate.goog/", policy).forwards
    assert judged("https://casino-test.translate.goog/", policy, "connect").forwards


def test_an_unblock_of_an_inner_path_holds_for_that_path_alone():
    policy = lifted(unblock("casino.test", ["gambling"], scope=Scope.PATH, path="/rules"))
    assert judged("https://casino-test.translate.goog/rules", policy).forwards
    assert not judged("https://casino-test.translate.goog/play", policy).forwards
    assert judged("https://casino-test.translate.goog/", policy, "connect").forwards, "its path is not known yet"


def test_its_may_let_one_host_carry_what_it_likes_but_for_the_floor():
    policy = lifted(unblock("casino-test.translate.goog", [NESTED]), unblock(RELAY, [NESTED]))
    assert judged("https://casino-test.translate.goog/", policy).reason == "unblock"
    assert judged(f"https://{RELAY}/?u=https://hide.test/", policy).reason == "unblock"
    assert judged(f"https://{RELAY}/?u=https://hide.test/&v=https://adult.test/", policy).category == "pornography"
    two = lifted(unblock(RELAY, [NESTED], authors=("its.one", "its.two")))
    assert judged(f"https://{RELAY}/?u=https://adult.test/", two).reason == "unblock"
    assert judged(f"https://{RELAY}/?u=https://abuse.test/", two).category == "child-abuse"


def test_an_unblock_of_a_category_on_the_outer_host_is_none_of_what_it_carries():
    policy = lifted(unblock("casino-test.translate.goog", ["gambling"]))
    assert judged("https://casino-test.translate.goog/", policy).reason == NESTED


def test_what_its_blocks_is_blocked_inside_a_relay_too():
    policy = lifted(its_blocks=("lesson.test",))
    verdict = judged("https://www-lesson-test.translate.goog/", policy)
    assert (verdict.reason, verdict.match.entry) == (NESTED, "lesson.test")
    assert judged("https://unknown.test/?u=https://lesson.test", policy).forwards


@pytest.mark.parametrize("stage", ["connect", "client_hello"])
def test_a_relay_that_names_a_site_in_its_host_is_recognised_before_its_path_is_known(stage):
    listed = ", ".join(
        f"{{host: {host}-test.translate.goog, owner: ITS, reason: test, since: 2026-11-01}}"
        for host in ("adult", "lesson")
    )
    passed = snapshot(DISTRICT.replace("\nproxy: {", f"\nproxy: {{passthrough: [{listed}], "), TABLE["lists"])
    assert judged("https://adult-test.translate.goog/", passed, stage).reason == NESTED
    assert judged("https://lesson-test.translate.goog/", passed, stage).forwards


def test_an_approved_address_may_be_named_to_a_relay():
    owned = (
        "\nproxy: {approved_addresses: [{address: '203.0.113.9:443', owner: ITS, reason: test, since: 2026-11-01}], "
    )
    policy = snapshot(DISTRICT.replace("\nproxy: {", owned))
    assert judged("https://r.jina.ai/https://203.0.113.9/", policy).forwards
    assert not judged("https://r.jina.ai/https://203.0.113.10/", policy).forwards


LONG = "x" * 5000


@pytest.mark.parametrize(
    "target",
    [
        f"/?a={LONG}&u=https://adult.test/",
        f"/?a={LONG}&u=aHR0cHM6Ly9hZHVsdC50ZXN0Lw",
        f"/{LONG}/https://adult.test/",
        f"/{LONG}?u=https://adult.test/",
    ],
)
def test_what_lies_beyond_the_cap_of_the_facts_is_seen(target):
    cut = facts(f"https://unknown.test{target}")
    assert evaluate(cut, POLICY).forwards or "x?u=" in target, "the facts alone do not show it"
    assert evaluate(facts(f"https://unknown.test{target}", uncut=target), POLICY).category == "pornography"


def test_a_host_behind_a_user_that_is_longer_than_the_window_is_refused():
    target = f"/?u=https://{'x' * 9000}@adult.test/"
    verdict = judged(f"https://unknown.test{target}", uncut=target)
    assert (verdict.reason, verdict.category) == (NESTED, None)


def test_more_addresses_than_are_looked_at_are_refused():
    few, many = ("&".join(f"u{n}=http://a{n}.test/" for n in range(count)) for count in (40, 200))
    assert judged(f"https://unknown.test/?{few}").forwards
    assert judged("https://unknown.test/", uncut=f"/?{many}").reason == NESTED


@pytest.mark.parametrize(
    "target",
    [
        "/http:a/%68" * 10 + "%2541" * 770,
        "".join(f"/http:/a{n}.test" for n in range(40)) + "/" + "%25" * 1100,
        "/" + "http:/a.test/" * 300,
    ],
    ids=["tails that are decoded", "tails", "addresses in addresses"],
)
def test_a_short_target_of_many_long_texts_is_refused(target):
    """They took 75 ms each, and are sent again for four bytes on a connection of HTTP/2."""
    assert len(target) < PATH_CAP + 100
    assert judged(f"https://unknown.test{target}").reason == NESTED


def test_what_adverts_and_pages_in_other_scripts_carry_is_no_more_than_is_looked_at():
    page = "https://lesson.test/wiki/" + quote("\u5b66\u6821" * 12)
    for depth in range(3):
        page = f"https://sync{depth}.test/match?gdpr=1&id={'7f3a' * 10}&r={quote(page, safe='')}"
    adverts = "&".join(f"u{n}={quote(page, safe='')}{n}" for n in range(2))
    assert judged("https://ads.test/", uncut=f"/px?{adverts}").forwards


def test_an_address_that_comes_again_is_still_judged_as_what_it_is_the_second_time():
    again = "https://wsrv.nl/?url=https://casino.test/"
    deep = f"https://one.test/?u={quote(again, safe='')}"
    assert judged(f"https://r.jina.ai/{deep}").forwards, "a link to a blocked site, on a page that is shown"
    shown = f"https://removepaywall.com/?url={quote(deep, safe='')}&url={quote(again, safe='')}"
    assert judged(shown).category == "gambling"


def test_the_same_address_many_times_hides_none_behind_it():
    same = "&".join(["u=https://lesson.test/"] * TEXTS)
    assert judged("https://unknown.test/", uncut=f"/?{same}&u=https://adult.test/").reason == NESTED


def test_what_a_target_holds_is_not_asked_of_each_message():
    assert nested not in DETECTORS[Stage.STREAM] + DETECTORS[Stage.RESPONSE]
    assert all(nested in DETECTORS[stage] for stage in (Stage.CONNECT, Stage.CLIENT_HELLO, Stage.REQUEST))


def test_a_question_about_it_gives_nothing_away_about_child_abuse():
    assert as_asked(POLICY).index.lookup("abuse.test", "", "") == ()
    assert judged("https://abuse-test.translate.goog/", as_asked(POLICY)).forwards


@given(st.text(max_size=300), st.text(max_size=300), st.sampled_from([*RELAYS, "www.google.com", "unknown.test"]))
def test_nothing_that_is_sent_makes_it_raise(path, query, host):
    sent = facts("https://unknown.test/", host=host, tunnel_host=host, host_header=host, sni=host, path=f"/{path}")
    nested(replace(sent, query=query), POLICY)
    nested(replace(sent, uncut=f"/{path}?{query}"), POLICY)


PIECES = st.sampled_from(["htt", "http:", "https:/", "%25", "%2F", "/", "=", "&", "u=", "aHR0", "6874", "@", "a.test",
                          "url=", "cache:", "x" * 50, "__;", "web/2020/", "[", "xn--", "\ufffd"])  # fmt: skip


@given(st.lists(PIECES, max_size=200).map("".join), st.sampled_from([*RELAYS, "unknown.test"]))
@settings(deadline=None)
def test_what_looks_like_addresses_makes_it_raise_neither(text, host):
    for path, query in ((f"/{text}", text), ("/", text), (f"/{text}", "")):
        asked = facts(f"https://{host}/", path=path, query=query)
        with suppress(TooMuch):
            assert len(list(addresses_inside(asked))) <= TEXTS
