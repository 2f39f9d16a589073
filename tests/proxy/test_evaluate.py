from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from categories.entries import Covers, ListEntry
from categories.taxonomy import Basis
from proxy.evaluate import error_verdict, evaluate, refusal
from proxy.unblock import Scope
from proxy.verdict import Action, Match
from tests.proxy.policy import facts, snapshot, table, unblock

TABLE = table("precedence.yaml")
STATUS = {"block": 403, "challenge": 407}


@pytest.fixture(scope="module")
def district():
    unblocks = [
        unblock(**one | {"scope": Scope(one.get("scope", "host")), "authors": tuple(one.get("authors", ["its.one"]))})
        for one in TABLE["unblocks"]
    ]
    return snapshot(TABLE["district"], TABLE["lists"], unblocks=unblocks, its_blocks=TABLE["its_blocks"])


@pytest.mark.parametrize("sentence", TABLE["cases"])
def test_precedence(sentence, district):
    case = dict(TABLE["cases"][sentence])
    action, reason = case.pop("expect")
    category, changes = case.pop("category", None), case.pop("with", {})
    if "at" in case:
        case["at"] = case["at"].replace(tzinfo=UTC)
    verdict = evaluate(facts(**case, **changes), district)
    assert (verdict.action.value, verdict.reason) == (action, reason)
    if category:
        assert verdict.category == category
    assert verdict.status == (421 if reason == "address.mismatch" else STATUS.get(action, 200))
    assert verdict.policy_revision == 7


def test_a_block_carries_the_list_and_line_that_won_first(district):
    match = evaluate(facts("https://both.test/"), district).match
    assert (match.list, match.file, match.entry, match.category) == (
        "starter",
        "malware/domains",
        "both.test",
        "malware",
    )
    assert match.line == 4 + 3
    assert match.list_version == "2026-11-22 3f9a1c2e"


def test_all_matches_are_kept(district):
    verdict = evaluate(facts("https://museum-shop.test/"), district)
    assert [match.reason for match in verdict.matches] == ["category.malware", "category.social-media", "white-list"]


def test_a_child_abuse_entry_is_never_quoted(district):
    match = evaluate(facts("https://abuse-two.test/secret"), district).match
    assert match.list == "starter"
    assert match.file is match.line is match.entry is None
    assert "abuse-two" not in repr(match)


@pytest.mark.parametrize(
    ("url", "basis"),
    [
        ("https://obscene.test/", Basis.FEDERAL_LAW),
        ("https://abuse.test/", Basis.FEDERAL_LAW),
        ("https://adult.test/", Basis.BOARD_POLICY),
        ("https://minors.test/", Basis.BOARD_POLICY),
        ("https://casino.test/", Basis.DISTRICT_POLICY),
        ("https://games.test/", Basis.DISTRICT_POLICY),
        ("https://banned.test/", Basis.DISTRICT_POLICY),
        ("https://site.test:8443/", Basis.DISTRICT_POLICY),
        ("https://mail.test/", None),
    ],
)
def test_a_verdict_says_on_whose_word(url, basis, district):
    assert evaluate(facts(url), district).basis == basis


def test_an_allowed_verdict_names_its_unblock(district):
    assert evaluate(facts("https://lesson.casino.test/"), district).unblock == "u-lesson.casino.test"
    assert evaluate(facts("https://site.test/"), district).unblock is None


def test_the_category_of_a_name_that_is_only_claimed_is_not_put_on_the_record(district):
    verdict = evaluate(facts("https://site.test/", host="adult.test", host_header="adult.test"), district)
    assert (verdict.reason, verdict.status, verdict.category) == ("address.mismatch", 421, None)


def test_the_place_that_is_reached_is_judged_whatever_is_claimed(district):
    verdict = evaluate(facts("https://adult.test/", host="site.test", host_header="site.test"), district)
    assert verdict.reason == "category.pornography"


def test_a_path_that_is_unblocked_never_passes_the_whole_host_through():
    shop = "categories: {health: block}"
    policy = snapshot(
        shop, ["health: clinic.test"], unblocks=[unblock("clinic.test", ["health"], scope=Scope.PATH, path="/forms")]
    )
    assert evaluate(facts("https://clinic.test/", "connect"), policy).action is Action.ALLOW
    assert evaluate(facts("https://clinic.test/forms/1"), policy).action is Action.ALLOW
    assert evaluate(facts("https://clinic.test/other"), policy).action is Action.BLOCK


def test_an_unblocked_host_may_be_passed_through():
    policy = snapshot(
        "categories: {health: block}", ["health: clinic.test"], unblocks=[unblock("clinic.test", ["health"])]
    )
    verdict = evaluate(facts("https://clinic.test/", "connect"), policy)
    assert (verdict.action, verdict.reason, verdict.unblock) == (Action.PASSTHROUGH, "unblock", "u-clinic.test")


def test_identity_is_not_asked_for_where_it_is_not_required():
    policy = snapshot("identity: {required: false}")
    assert evaluate(facts(user=None, identity_problem="password"), policy).forwards
    assert not evaluate(facts("https://adult.test/", user=None), policy).forwards


def test_hours_that_a_change_to_winter_time_repeats_count_twice():
    policy = snapshot('hours: {early: "Sun 01:00-02:00"}\ncategories: {shopping: {action: block, hours: early}}',
                      ["shopping: shop.test"])  # fmt: skip
    for hour, blocked in ((7, False), (8, True), (9, True), (10, False)):  # 2026-11-01, 00:00 PDT is 07:00 UTC
        at = datetime(2026, 11, 1, hour, 30, tzinfo=UTC)
        assert evaluate(facts("https://shop.test/", at=at), policy).forwards is not blocked


def test_a_failure_of_ours_is_a_block():
    verdict = error_verdict("hook", 7)
    assert (verdict.forwards, verdict.status, verdict.reason, verdict.policy_revision) == (False, 503, "error.hook", 7)


def test_what_the_dialer_refuses_is_a_block():
    verdict = refusal(Match("address.private", "private"), 7)
    assert (verdict.forwards, verdict.status, verdict.basis) == (False, 403, Basis.DISTRICT_POLICY)


@dataclass
class Asked:
    """Lists with one entry that covers everything, and what they were asked."""

    entry: ListEntry
    questions: list[tuple[str, str, str]] = field(default_factory=list)
    generation: str = "test"
    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def lookup(self, host, path, query):
        self.questions.append((host, path, query))
        return (self.entry,)


BLOCKS = snapshot("categories: {gambling: block}")


def expression(category):
    return Asked(ListEntry(category, "(a|b)", Covers.EXPRESSION, "ut1", "2026-11-22 3f9a1c2e", "x/expressions", 7))


@pytest.mark.parametrize("stage", ["connect", "client_hello"])
def test_before_a_path_is_known_the_lists_are_asked_what_covers_every_path(stage):
    index = expression("gambling")
    verdict = evaluate(facts("https://site.test/secret?q", stage), replace(BLOCKS, index=index))
    assert index.questions[0] == ("site.test", "", "")
    assert (verdict.action, verdict.reason) == (Action.BLOCK, "category.gambling")
    assert (verdict.matches[0].entry, verdict.matches[0].file, verdict.matches[0].line) == ("(a|b)", "x/expressions", 7)


def test_a_request_is_asked_about_with_its_path_and_query():
    index = expression("gambling")
    assert not evaluate(facts("https://site.test/a?q"), replace(BLOCKS, index=index)).forwards
    assert index.questions[0] == ("site.test", "/a", "q")


def test_no_host_is_passed_through_for_an_expression():
    policy = replace(snapshot(), index=expression("health"))
    assert evaluate(facts("https://site.test/", "connect"), policy).action is Action.ALLOW
    named = replace(snapshot(), index=Asked(expression("health").entry._replace(covers=Covers.DOMAIN)))
    assert evaluate(facts("https://site.test/", "connect"), named).action is Action.PASSTHROUGH
