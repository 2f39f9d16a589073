import pytest

from categories.taxonomy import FLOOR, RELAXABLE
from tests.config.district import check_refused, settings

GROUP = "groups: {comms: {users: [comms.officer]}, nobody: {}}\nhours: {duty: 'Mon-Fri 07:30-16:00'}\n"

FLOOR_ROWS = [
    (
        f"{category} may not be {what}",
        f"{GROUP}categories:\n  {category}: {rule}  # <-\n",
        f"categories.{category}",
        "floor",
    )
    for category in sorted(FLOOR)
    for what, rule in [
        ("allowed", "allow"),
        ("monitored", "{action: monitor, until: 2027-01-31}"),
        ("scheduled", "{action: block, hours: duty}"),
        ("excepted", "{action: block, except_groups: [comms]}"),
    ]
]
RELAXABLE_ROWS = [
    (
        f"{category}: {rule}",
        f"{GROUP}categories:\n  {category}: {rule}  # <-\n",
        f"categories.{category}",
        "named groups only",
    )
    for category in sorted(RELAXABLE)
    for rule in (
        "allow",
        "{action: monitor, until: 2027-01-31}",
        "{action: block, hours: duty, except_groups: [comms]}",
    )
]
CATEGORY_ROWS = [
    (
        "an exception names a group that is not there",
        "social-media: {action: block, except_groups: [coms]}",
        "groups has no",
    ),
    ("an exception names a group without users", "vpn: {action: block, except_groups: [nobody]}", "no users"),
    ("monitor has no end", "games: monitor", "needs until"),
    ("monitor ends on no day", "games: {action: monitor, until: 2027-02-30}", "write a date"),
    ("monitor goes by the hour", "games: {action: monitor, until: 2027-01-31, hours: duty}", "not with hours"),
    ("an end stands with block", "games: {action: block, until: 2027-01-31}", "goes with action: monitor"),
    ("hours are not defined", "shopping: {action: block, hours: dutty}", 'did you mean "duty"?'),
    ("an exception goes with allow", "games: {action: allow, except_groups: [comms]}", "goes with action: block"),
    ("a category is misspelt", "gamblin: block", 'did you mean "gambling"?'),
    ("a category of the district's own has no title", "tutoring: block", "needs a title"),
    ("a known category gets a title", "games: {action: block, title: fun}", "title is for"),
    ("a category of unions", "labor-unions: {action: block, title: unions}", "no category for sexuality"),
    (
        "a category of a religion under another id",
        "x1: {action: block, title: Islam and more}",
        "no category for sexuality",
    ),
    ("an action is misspelt", "games: blok", 'did you mean "block"?'),
    ("YAML 1.1 would read this as a yes", "games: on", "write block, allow or monitor"),
]
ROWS = [
    *FLOOR_ROWS,
    *RELAXABLE_ROWS,
    *[(s, f"{GROUP}categories:\n  {rule}  # <-\n", "categories", why) for s, rule, why in CATEGORY_ROWS],
]


@pytest.mark.parametrize(("more", "key", "why"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_refused(more: str, key: str, why: str) -> None:
    check_refused(more, key, why)


ALLOWED = [
    ("bypass relaxed for named people", f"{GROUP}categories: {{vpn: {{action: block, except_groups: [comms]}}}}"),
    ("the floor blocked once more", "categories: {pornography: block}"),
    ("a category of the district's own", "categories: {tutoring: {action: allow, title: tutoring}}"),
    ("monitor with its end, even one that has passed", "categories: {games: {action: monitor, until: 2020-01-31}}"),
]


@pytest.mark.parametrize("more", [row[1] for row in ALLOWED], ids=[row[0] for row in ALLOWED])
def test_allowed(more: str) -> None:
    assert settings(more)
