"""A district, a request and verdicts for the tests of the pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from categories.taxonomy import TAXONOMY, Basis
from proxy.block_page import Answer, Ask, PageSettings
from proxy.facts import RequestFacts, Stage
from proxy.reasons import status_of, title_of
from proxy.verdict import Action, Match, Verdict

SETTINGS = PageSettings(
    name="Example Unified",
    policy_url="https://district.example/ar4040",
    public_name="filter.district.example",
    node="lincoln-1",
    timezone="America/Los_Angeles",
    help_desk_email="help@district.example",
    help_desk_phone="209 555 0100",
    clauses={
        "filter": "AR 4040, Technology Protection Measure",
        "p2p": "AR 4040, Resource Limitations 3",
        "monitoring": "AR 4040, Monitoring 2",
    },
)

FACTS = RequestFacts(
    stage=Stage.REQUEST,
    at=datetime(2026, 11, 22, 23, 41, tzinfo=UTC),
    client="10.1.2.3",
    method="GET",
    scheme="https",
    host="pictures.listed.test",
    port=443,
    path="/watch",
    query="id=4711",
    user="maria.alvarez",
)

REF = "01JD7Q3K9V5M2X8T4B6N0RWZHC"

NAVIGATE = Ask(sec_fetch_dest="document", sec_fetch_mode="navigate", accept="text/html")


def blocked(reason: str, category: str | None = None, basis: Basis | None = None) -> Verdict:
    """A block as the engine makes it: a list entry's for a category, a detector's hit otherwise."""
    if reason.startswith("category."):
        category = reason.removeprefix("category.")
        basis = TAXONOMY[category].basis
        match = Match(
            reason, title_of(reason), category, "ut1", "2026-11-22 3f9a1c2e", "adult/domains", 12, "listed.test"
        )
    else:
        match = Match(reason, title_of(reason))
    action = Action.CHALLENGE if reason.startswith("identity.") else Action.BLOCK
    return Verdict(action, reason, 7, category, basis, (match,), None, status_of(reason))


def headers(answer: Answer) -> dict[str, str]:
    """The headers by lower-case name; a repeated one fails the test."""
    found = {name.decode().lower(): value.decode("ascii") for name, value in answer.headers}
    assert len(found) == len(answer.headers)
    return found


def text(answer: Answer) -> str:
    """What a reader sees of a page, roughly: the text of its body in one line."""
    body = answer.body.decode().partition("<body")[2].partition(">")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())
