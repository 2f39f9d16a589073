from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories.address import parse
from proxy.evaluate import evaluate
from proxy.impact import impact
from proxy.unblock import Scope
from tests.proxy.policy import MONDAY, facts, snapshot, table, unblock

DISTRICT = "categories: {gambling: block, social-media: allow}\nproxy: {passthrough_categories: [health]}\n"


@dataclass(frozen=True)
class Visited:
    host: str
    people: int = 5


def changes(old, new, *hosts, text=DISTRICT, **given):
    """(host, before, after) for each host that would change."""
    found = impact(snapshot(text, old), snapshot(text, new), map(Visited, hosts), MONDAY, **given)
    return [(each.host, each.before.reason, each.after.reason) for each in found]


@pytest.mark.parametrize(
    ("why", "old", "new", "host", "expected"),
    [
        ("a new entry blocks it", [], ["gambling: a.test"], "www.a.test", ("default", "category.gambling")),
        ("an entry is gone", ["gambling: a.test"], [], "a.test", ("category.gambling", "default")),
        ("another category", ["gambling: a.test"], ["malware: a.test"], "a.test",
         ("category.gambling", "category.malware")),
        ("a white list covers it now", ["gambling: a.test"], ["gambling: a.test", "white ok: a.test"], "a.test",
         ("category.gambling", "white-list")),
        ("an address", [], ["malware: 192.0.2.1"], "192.0.2.1", None),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)  # fmt: skip
def test_a_visited_host_whose_verdict_changes_is_told(why, old, new, host, expected):
    assert changes(old, new, host) == ([(host, *expected)] if expected else []), why


@pytest.mark.parametrize(
    ("old", "new", "host"),
    [
        ([], ["gambling: b.test"], "a.test"),
        (["gambling: a.test"], ["gambling: a.test", "gambling: www.a.test"], "www.a.test"),
        ([], ["gambling: a.test/odds"], "a.test"),
        ([], ["gambling: =a.test"], "www.a.test"),
        ([], ["ads: b.test"], "a.test"),
    ],
    ids=["another host", "named twice", "one path of it", "not its sub-domains", "nothing of it"],
)
def test_a_host_that_stays_as_it_is_is_not_told(old, new, host):
    assert changes(old, new, host) == []


def test_allowed_and_recorded_under_a_category_is_a_change_too():
    (found,) = impact(snapshot(DISTRICT), snapshot(DISTRICT, ["ads: a.test"]), [Visited("a.test")], MONDAY)
    assert (found.before.category, found.after.category, found.newly_blocked) == (None, "ads", False)


def test_a_host_that_is_not_decrypted_any_more_is_told():
    (found,) = impact(snapshot(DISTRICT), snapshot(DISTRICT, ["health: a.test"]), [Visited("a.test")], MONDAY)
    assert (found.before.action, found.after.action) == ("allow", "passthrough")


def test_what_would_be_blocked_comes_first_then_the_most_visited():
    old, new = ["gambling: freed.test"], ["gambling: few.test", "gambling: many.test", "ads: ads.test"]
    hosts = [Visited("freed.test", 900), Visited("few.test", 3), Visited("ads.test", 800), Visited("many.test", 40)]
    found = impact(snapshot(DISTRICT, old), snapshot(DISTRICT, new), hosts, MONDAY)
    assert [(each.host, each.people) for each in found] == [
        ("many.test", 40), ("few.test", 3), ("freed.test", 900), ("ads.test", 800)
    ]  # fmt: skip


def test_it_is_nobodys_verdict():
    groups = "groups: {comms: {users: [ana]}}\ncategories: {social-media: {action: block, except_groups: [comms]}}\n"
    assert changes([], ["social-media: a.test"], "a.test", text=groups) == [
        ("a.test", "default", "category.social-media")
    ]


@pytest.mark.parametrize("host", ["", "a b", "a:b:c", "A.TEST", "a.test:80", "*", "\udcff", "1.2.3", "..", "[::1]"])
def test_what_a_malformed_request_named_is_left_out(host):
    assert changes([], ["gambling: a.test"], host, "a.test") == [("a.test", "default", "category.gambling")]


def test_other_rules_change_what_the_same_lists_say():
    old, new = (
        snapshot(f"categories: {{gambling: {action}}}\n", ["gambling: a.test"]) for action in ("allow", "block")
    )
    (found,) = impact(old, new, [Visited("a.test"), Visited("b.test")], MONDAY)
    assert (found.host, found.before.reason, found.after.reason) == ("a.test", "default", "category.gambling")


def test_the_same_said_by_another_list_changes_nothing():
    assert (
        changes(["ads: b.test", "gambling: a.test"], ["gambling: www.a.test", "gambling: a.test"], "www.a.test") == []
    )


def test_a_host_of_a_child_abuse_list_is_not_named():
    assert changes([], ["child-abuse: a.test"], "a.test") == [("(withheld)", "default", "category.child-abuse")]
    assert changes(["child-abuse: a.test"], [], "a.test") == [("(withheld)", "category.child-abuse", "default")]


def test_what_another_list_says_of_it_does_not_tell_whether_a_child_abuse_list_names_it():
    named = [("a.test", "default", "category.gambling")]
    assert changes(["child-abuse: a.test"], ["child-abuse: a.test", "gambling: a.test"], "a.test") == named
    assert changes([], ["gambling: a.test"], "a.test") == named


TABLE = table("precedence.yaml")
UNBLOCKS = [
    unblock(**one | {"scope": Scope(one.get("scope", "host")), "authors": tuple(one.get("authors", ["its.one"]))})
    for one in TABLE["unblocks"]
]
HOSTS = sorted({parse(case["url"]).host for case in TABLE["cases"].values()})


@given(st.sets(st.sampled_from(TABLE["lists"])), st.sets(st.sampled_from(TABLE["lists"])))
def test_it_agrees_with_what_traffic_would_get(old, new):
    policies = [
        replace(
            snapshot(TABLE["district"], sorted(lists), unblocks=UNBLOCKS, its_blocks=TABLE["its_blocks"]),
            identity_required=False,
        )
        for lists in (old, new)
    ]
    told = {each.host for each in impact(*policies, map(Visited, HOSTS), MONDAY)} - {"(withheld)"}
    assert told == {host for host in HOSTS if len({_in_traffic(host, policy) for policy in policies}) == 2}


def _in_traffic(host, policy):
    connect = evaluate(facts(f"https://{host}/", "connect", user=None), policy)
    verdict = evaluate(facts(f"https://{host}/", user=None), policy)
    verdict = connect if connect.action == "passthrough" else verdict
    return verdict.action, verdict.category, verdict.reason
