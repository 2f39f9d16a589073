import pytest

from categories.taxonomy import Basis, Lock
from tests.config.district import check_refused, settings


def test_a_word_is_short_for_an_action() -> None:
    found = settings("categories: {games: block, ads: {action: block}}\n").categories
    assert found["games"] == found["ads"]


def test_the_long_form_keeps_what_it_says() -> None:
    rule = settings(
        "groups: {comms: {users: [Comms.Officer, b]}}\nhours: {duty: 'Mon-Fri 07:30-16:00'}\n"
        "categories: {social-media: {action: block, except_groups: [comms], hours: duty}}\n"
    )
    assert rule.categories["social-media"].except_groups == ("comms",)
    assert rule.categories["social-media"].hours == "duty"
    assert rule.groups["comms"].users == ("comms.officer", "b")


def test_a_category_of_the_district_joins_the_taxonomy() -> None:
    found = settings("categories: {tutoring: {action: block, title: private tutoring}}\n").taxonomy
    assert (found["tutoring"].title, found["tutoring"].lock, found["tutoring"].basis) == (
        "private tutoring", Lock.ALLOWED, Basis.DISTRICT_POLICY,
    )  # fmt: skip
    assert found["obscene"].lock is Lock.FLOOR


@pytest.mark.parametrize(
    ("rule", "key", "why"),
    [
        ("{except_groups: [comms]}", "categories.games.action", "is missing"),
        ("{action: block, untill: 2027-01-31}", "categories.games.untill", 'did you mean "until"?'),
        ("{action: Block}", "categories.games.action", 'did you mean "block"?'),
        ("[block]", "categories.games", "keys and values"),
    ],
)
def test_rules_that_cannot_be_read(rule: str, key: str, why: str) -> None:
    check_refused(f"categories:\n  games: {rule}  # <-\n", key, why)
