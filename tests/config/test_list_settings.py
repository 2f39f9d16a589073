import pytest

from tests.config.district import APPROVED, SOUND, check_refused, settings

LISTS = SOUND.replace("starter_only: true\n", "")
UT1 = "lists: [{name: ut1, format: ut1, url: 'https://lists.test/a.tar.gz', map: {adult: pornography}"

ROWS = [
    ("no list of the floor", "lists: []  # <-\n", "lists", "nothing maps to pornography"),
    (
        "a list of child abuse from a web address",
        f"{UT1[:-1]}, x: child-abuse}}}}]  # <-\n",
        "lists[0].url",
        "licensed local file",
    ),
    (
        "the same as a list of domains",
        f"{UT1}}}, {{name: iwf, format: domains, url: 'https://lists.test/b', category: child-abuse}}]  # <-\n",
        "lists[1].url",
        "licensed local file",
    ),
    ("a list that can be changed on the way", f"{UT1.replace('https', 'http')}}}]  # <-\n", "lists[0].url", "checksum"),
    (
        "a password in an address",
        f"{UT1.replace('lists.test', 'u:geheim@lists.test')}}}]  # <-\n",
        "lists[0].url",
        "secrets",
    ),
    (
        "a list from a file address",
        f"{UT1.replace('https://', 'file:///')}}}]  # <-\n",
        "lists[0].url",
        "absolute http",
    ),
    ("a list from two places", f"{UT1}, path: a}}]  # <-\n", "lists[0]", "either url or path"),
    ("a ut1 list with one category", f"{UT1}, category: games}}]  # <-\n", "lists[0].category", "use map"),
    (
        "two lists of one name",
        f"{UT1}}}, {{name: ut1, format: hosts, path: a, category: games}}]  # <-\n",
        "lists[1].name",
        "earlier",
    ),
    (
        "a list that calls itself ours",
        f"{UT1.replace('name: ut1', 'name: starter')}}}]  # <-\n",
        "lists[0].name",
        "our own lists",
    ),
    (
        "a format that there is not",
        "lists: [{name: a, format: csv, path: b, category: pornography}]  # <-\n",
        "lists[0].format",
        "e2guardian",
    ),
    (
        "domains of no category",
        f"{UT1}}}, {{name: a, format: domains, path: b}}]  # <-\n",
        "lists[1].category",
        "needs category",
    ),
    (
        "hosts with a map",
        f"{UT1}}}, {{name: a, format: hosts, path: b, category: games, map: {{c: games}}}}]  # <-\n",
        "map",
        "map is for ut1",
    ),
    (
        "a category nobody knows",
        f"{UT1[:-1]}, a: pornografy}}}}]  # <-\n",
        "lists[0].map.a",
        'did you mean "pornography"?',
    ),
    (
        "a white list of nobody",
        f"{UT1}, white: {{sexual_education: {{reason: x, since: 2026-01-01}}}}}}]  # <-\n",
        "white",
        "missing",
    ),
    (
        "a list both black and white",
        f"{UT1}, white: {{adult: {{{APPROVED}}}}}}}]  # <-\n",
        "lists[0].white.adult",
        "cannot be white",
    ),
    (
        "exceptions of a list that has none",
        f"{UT1}}}, {{name: a, format: hosts, path: b, category: ads, white: {{exceptions: {{{APPROVED}}}}}}}]  # <-\n",
        "white",
        "white is for ut1, adblock and rpz, not for hosts",
    ),
    (
        "something else white of a list with exceptions",
        f"{UT1}}}, {{name: a, format: rpz, path: b, category: games, white: {{all: {{{APPROVED}}}}}}}]  # <-\n",
        "lists[1].white.all",
        "has one white name, exceptions",
    ),
    (
        "exceptions of child abuse",
        "lists: [{name: a, format: rpz, path: b, category: child-abuse, white: "
        f"{{exceptions: {{{APPROVED}}}}}}}]  # <-\n",
        "white",
        "nothing of a child-abuse list is white",
    ),
    (
        "expressions of a list that has none",
        f"{UT1}}}, {{name: a, format: hosts, path: b, category: ads, expressions: true}}]  # <-\n",
        "lists[1].expressions",
        "expressions is for ut1; format hosts has none",
    ),
    ("expressions in a word", f"{UT1}, expressions: 'on'}}]  # <-\n", "lists[0].expressions", "true or false"),
    ("a name with a dot", f"{UT1.replace('name: ut1', 'name: a.b')}}}]  # <-\n", "lists[0].name", "list's name"),
    ("a long name", f"{UT1.replace('name: ut1', 'name: ' + 'a' * 41)}}}]  # <-\n", "lists[0].name", "list's name"),
    ("an age in weeks", f"{UT1}, stale_after: 2w}}]  # <-\n", "lists[0].stale_after", '"14d"'),
    ("an age of nothing", f"{UT1}, stale_after: 0d}}]  # <-\n", "lists[0].stale_after", '"14d"'),
    ("an age without a unit", f"{UT1}, stale_after: 14}}]  # <-\n", "lists[0].stale_after", "quotes"),
    ("a folder outside the list", f"{UT1[:-1]}, ../a: games}}}}]  # <-\n", "lists[0].map", "directories"),
]


@pytest.mark.parametrize(("more", "key", "why"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_refused(more: str, key: str, why: str) -> None:
    check_refused(more, key, why, LISTS)


ALLOWED = [
    (
        "a list from this machine over http",
        "lists: [{name: a, format: domains, url: 'http://127.0.0.1:9/a', category: games}]",
    ),
    (
        "exceptions with an owner",
        f"lists: [{{name: a, format: adblock, path: b, category: games, white: {{exceptions: {{{APPROVED}}}}}}}]",
    ),
    ("a local list of child abuse", "lists: [{name: iwf, format: domains, path: iwf.txt, category: child-abuse}]"),
]


@pytest.mark.parametrize("more", [row[1] for row in ALLOWED], ids=[row[0] for row in ALLOWED])
def test_allowed(more: str) -> None:
    assert settings(more)


@pytest.mark.parametrize(
    ("more", "days"),
    [("url: 'https://lists.test/a'", 14), ("path: a", None), ("url: 'https://lists.test/a', stale_after: 2d", 2),
     ("path: a, stale_after: 365d", 365)],
)  # fmt: skip
def test_the_age_at_which_a_list_is_stale(more: str, days: int | None) -> None:
    found = settings(f"lists: [{{name: a, format: domains, category: games, {more}}}]")
    assert found.lists[0].stale_days == days
