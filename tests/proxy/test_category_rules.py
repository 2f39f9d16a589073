from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from categories.taxonomy import CATEGORIES, Lock
from config.hours import parse_hours
from proxy.category_rules import ALLOWED, UNLESS_SET, CategoryRule, action_of
from proxy.verdict import Action

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("America/Los_Angeles"))
NOBODY = frozenset()


@pytest.mark.parametrize("category", CATEGORIES, ids=lambda category: category.id)
def test_unless_set(category):
    expected = Action.ALLOW if category.lock is Lock.ALLOWED else Action.BLOCK
    assert action_of(category.id, UNLESS_SET[category.id], NOBODY, NOON) is expected


@pytest.mark.parametrize("category", [category.id for category in CATEGORIES if category.lock is Lock.FLOOR])
def test_a_rule_for_the_floor_is_not_listened_to(category):
    relaxed = CategoryRule(Action.ALLOW, frozenset({"a"}), parse_hours("Sun 00:00-01:00"), date(2030, 1, 1))
    assert action_of(category, relaxed, frozenset({"a"}), NOON) is Action.BLOCK


def test_monitoring_without_an_end_is_a_block():
    assert action_of("games", CategoryRule(Action.MONITOR), NOBODY, NOON) is Action.BLOCK


def test_a_category_of_the_districts_own_does_what_it_is_set_to():
    assert action_of("stamps", ALLOWED, NOBODY, NOON) is Action.ALLOW
    assert action_of("stamps", CategoryRule(Action.BLOCK), NOBODY, NOON) is Action.BLOCK
