"""What a category does: block, allow or monitor, for whom and when. Whatever the rule says, the floor blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from categories.taxonomy import CATEGORIES, FLOOR, RELAXABLE, Lock
from proxy.verdict import Action

if TYPE_CHECKING:
    from datetime import date, datetime

    from config.hours import Hours


@dataclass(frozen=True, slots=True)
class CategoryRule:
    """What the district set for one category."""

    action: Action  # allow, block or monitor
    except_groups: frozenset[str] = frozenset()
    hours: Hours | None = None  # the action holds then; outside, block and allow change places; None: always
    until: date | None = None  # last day of monitoring, in the district's time zone; afterwards it blocks


BLOCKED = CategoryRule(Action.BLOCK)
ALLOWED = CategoryRule(Action.ALLOW)

#: What a category does where the district set nothing. One that a district adds is allowed and recorded.
UNLESS_SET: dict[str, CategoryRule] = {
    category.id: ALLOWED if category.lock is Lock.ALLOWED else BLOCKED for category in CATEGORIES
}


def action_of(category: str, rule: CategoryRule, groups: frozenset[str], local: datetime) -> Action:
    """Say what a category does to a member of `groups` at `local`, the district's wall clock."""
    if category in FLOOR:
        return Action.BLOCK
    if rule.except_groups & groups:
        return Action.ALLOW
    if category in RELAXABLE:  # never for all: whatever got past the checks of the settings, only groups count
        return Action.BLOCK
    if rule.action is Action.MONITOR:  # never without its end
        return Action.MONITOR if rule.until is not None and local.date() <= rule.until else Action.BLOCK
    inside = rule.hours is None or rule.hours.covers(local)
    return Action.ALLOW if inside is (rule.action is Action.ALLOW) else Action.BLOCK
