from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories.taxonomy import CATEGORIES, FLOOR
from config.hours import parse_hours
from proxy.category_rules import CategoryRule
from proxy.evaluate import evaluate
from proxy.facts import Stage
from proxy.precedence import TABLE, Effect
from proxy.snapshot import Passthrough
from proxy.unblock import Scope
from proxy.verdict import Action
from tests.proxy.policy import Lists, entry_of, facts, snapshot, unblock

GROUPS = ("a", "b")
HOST = "www.site.test"
CATEGORY_IDS = [category.id for category in CATEGORIES]
BASE = snapshot()

rules = st.builds(
    CategoryRule,
    action=st.sampled_from([Action.ALLOW, Action.BLOCK, Action.MONITOR]),
    except_groups=st.frozensets(st.sampled_from(GROUPS)),
    hours=st.sampled_from([None, parse_hours("Mon-Fri 07:30-16:00"), parse_hours("Sat 00:00-24:00")]),
    until=st.sampled_from([None, date(2026, 1, 1), date(2030, 1, 1)]),
)
unblocks = st.builds(
    unblock,
    host=st.sampled_from([HOST, "site.test", "test"]),
    lifts=st.frozensets(st.sampled_from([*CATEGORY_IDS, "address.port", "address.private"])),
    scope=st.sampled_from(list(Scope)),
    path=st.sampled_from(["", "/", "/lesson"]),
    authors=st.sampled_from([(), ("one",), ("one", "One "), ("one", "two"), ("one", "")]),
    id=st.sampled_from(["u1", "u2", "u3"]),
)
entries = st.builds(
    lambda category, pattern, white: entry_of(f"{'white ' if white else ''}{category}: {pattern}"),
    st.sampled_from(CATEGORY_IDS),
    st.sampled_from([HOST, "site.test", "=www.site.test", f"{HOST}/lesson"]),
    st.booleans(),
)


@st.composite
def policies(draw):
    """Whatever settings and decisions could be made if nobody had checked them."""
    listed = draw(st.lists(entries, min_size=1, max_size=6))
    named = {}
    for one in draw(st.lists(unblocks, max_size=4)):
        named[one.host] = (*named.get(one.host, ()), one)
    return replace(
        BASE,
        index=Lists(tuple(listed)),
        rules=draw(st.dictionaries(st.sampled_from(CATEGORY_IDS), rules)),
        groups={"ana": draw(st.frozensets(st.sampled_from(GROUPS)))},
        passthrough=draw(st.dictionaries(st.sampled_from([HOST, "test"]), st.just(Passthrough("o", "r")))),
        passthrough_categories=draw(st.frozensets(st.sampled_from(CATEGORY_IDS))),
        unblocks=named,
        its_blocks=draw(st.frozensets(st.sampled_from(["site.test", "other.test"]))),
        identity_required=draw(st.booleans()),
    )


asked = st.builds(
    facts,
    st.sampled_from([f"https://{HOST}/lesson", f"https://{HOST}/lesson/1", f"https://{HOST}/", f"http://{HOST}:81/"]),
    stage=st.sampled_from([Stage.CONNECT.value, Stage.CLIENT_HELLO.value, Stage.REQUEST.value]),
    user=st.sampled_from(["ana", None]),
    interceptable=st.booleans(),
    at=st.integers(1_735_700_000, 1_925_000_000).map(lambda second: datetime.fromtimestamp(second, UTC)),
)


def floor_categories(policy, request):
    """The floor categories that name this request, by the lists as they are."""
    host_only = request.stage in (Stage.CONNECT, Stage.CLIENT_HELLO)
    found = policy.index.lookup(HOST, "/" if host_only else request.path, "")
    return {entry.category for entry in found if entry.category in FLOOR and not entry.white}


def corrected(category, policy, request):
    """True when an unblock by two different people covers this host and names this category."""
    return any(
        category in one.lifts and len({author.strip().casefold() for author in one.authors if author.strip()}) >= 2
        for named in policy.unblocks.values()
        for one in named
        if one.host == HOST or one.scope is Scope.SUBDOMAINS
    )


@given(policies(), asked)
def test_the_floor_holds_whatever_is_set(policy, request):
    floor = floor_categories(policy, request)
    verdict = evaluate(request, policy)
    if any(not corrected(category, policy, request) for category in floor):
        assert not verdict.forwards
    if "child-abuse" in floor and verdict.action is not Action.CHALLENGE:
        assert verdict.reason == "category.child-abuse"
        assert all(match.entry is None for match in verdict.matches if match.category == "child-abuse")


@given(policies(), asked)
def test_what_is_blocked_at_connect_by_the_floor_stays_blocked_for_every_path(policy, request):
    at_connect = evaluate(replace(request, stage=Stage.CONNECT, interceptable=False), policy)
    if at_connect.category in FLOOR and at_connect.action is Action.BLOCK:
        inside = evaluate(replace(request, stage=Stage.REQUEST, path="/"), policy)
        assert not inside.forwards


@given(policies(), asked, st.randoms(use_true_random=False))
def test_the_order_of_entries_and_unblocks_changes_nothing(policy, request, chance):
    shuffled = random.Random(chance.random())
    listed = list(policy.index.entries)
    shuffled.shuffle(listed)
    assert evaluate(request, policy) == evaluate(request, replace(policy, index=Lists(tuple(listed))))


@given(policies(), asked)
def test_a_malware_or_bypass_host_is_never_opened_by_a_white_list(policy, request):
    verdict = evaluate(request, policy)
    if verdict.reason == "white-list":
        assert verdict.category not in {"malware", "phishing", *FLOOR}


@given(policies(), asked)
def test_private_destinations_are_not_opened_by_an_unblock(policy, request):
    assert not evaluate(replace(request, addresses=(ip_address("10.0.0.1"),)), policy).forwards


@pytest.mark.parametrize("lifted", ["child-abuse", "address.private", "address.mismatch"])
def test_an_unblock_that_nobody_checked_does_not_lift_what_is_never_lifted(lifted):
    forged = unblock("abuse.test", [lifted], authors=("one", "two"))
    policy = replace(BASE, unblocks={"abuse.test": (forged,)})
    request = facts("https://abuse.test/", host_header="other.test", addresses=(ip_address("10.0.0.1"),))
    assert not evaluate(request, policy).forwards
    elsewhere = replace(policy, index=Lists(()))
    assert evaluate(replace(request, addresses=()), elsewhere).reason == "address.mismatch"
    assert evaluate(replace(request, host_header=None), elsewhere).reason == "address.private"


def test_the_table_is_that_of_the_design():
    assert [(row.name, row.effect) for row in TABLE] == [
        ("child-abuse", Effect.BLOCK),
        ("floor unblocked by two people", Effect.LIFT),
        ("floor", Effect.BLOCK),
        ("ITS block", Effect.BLOCK),
        ("ITS unblock", Effect.LIFT),
        ("bypass and p2p", Effect.BLOCK),
        ("white list", Effect.LIFT),
        ("category, for the user's group and hour", Effect.BLOCK),
        ("monitored category", Effect.MONITOR),
    ]


@pytest.mark.parametrize("category", ["vpn", "web-proxy", "encrypted-dns", "tor", "tunnel-host", "p2p"])
def test_a_relaxable_category_is_never_relaxed_for_all(category):
    policy = replace(
        snapshot("", [f"{category}: site.test"]), rules={category: CategoryRule(Action.ALLOW, frozenset({"a"}))}
    )
    assert not evaluate(facts(), policy).forwards
    assert evaluate(facts(), replace(policy, groups={"ana": frozenset({"a"})})).forwards
