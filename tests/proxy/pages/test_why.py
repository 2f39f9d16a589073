"""The sentences under "Why"."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.pages.kinds import kind_of
from proxy.pages.why import why
from proxy.verdict import Match, Verdict
from tests.proxy.pages.samples import FACTS, blocked

GAMBLING = blocked("category.gambling")
INSIDE = replace(
    GAMBLING,
    reason="bypass.nested-address",
    matches=tuple(replace(match, reason="bypass.nested-address") for match in GAMBLING.matches),
)


def sentences(verdict: Verdict, language: str = "en") -> list[str]:
    kind = kind_of(verdict.reason, verdict.category)
    return [sentence.striptags() for sentence in why(verdict, FACTS, kind, language)]


@pytest.mark.parametrize(
    ("verdict", "language", "shown"),
    [
        (GAMBLING, "en", ["This address is listed as gambling by the list ut1 (version 2026-11-22 3f9a1c2e)."]),
        (GAMBLING, "es", ["Esta dirección figura como apuestas en la lista ut1 (versión 2026-11-22 3f9a1c2e)."]),
        (
            replace(GAMBLING, matches=(Match("category.gambling", "gambling", "gambling", "own"),)),
            "en",
            ["This address is listed as gambling by the list own."],
        ),
        (replace(GAMBLING, matches=()), "en", ["This address was matched as gambling."]),
        (replace(GAMBLING, matches=(), category=None), "en", ["This address was matched as category.gambling."]),
        (
            blocked("bypass.vpn"),
            "es",
            [
                "Parece una forma de eludir el filtro, algo que el personal no puede hacer en ningún momento.",
                "Lo que se reconoció: una VPN.",
            ],
        ),
        (
            replace(blocked("bypass.vpn"), matches=(Match("bypass.new", "a new way"),)),
            "es",
            [
                "Parece una forma de eludir el filtro, algo que el personal no puede hacer en ningún momento.",
                "Lo que se reconoció: a new way.",
            ],
        ),
        (
            INSIDE,
            "en",
            [
                "This address holds the address of another site.",
                "That site is listed as gambling by the list ut1 (version 2026-11-22 3f9a1c2e).",
            ],
        ),
        (
            INSIDE,
            "es",
            [
                "Esta dirección contiene la dirección de otro sitio.",
                "Ese sitio figura como apuestas en la lista ut1 (versión 2026-11-22 3f9a1c2e).",
            ],
        ),
        (
            blocked("bypass.nested-address"),
            "en",
            [
                "This address holds the address of another site.",
                "What it holds cannot be judged: it has no name, or cannot be read.",
            ],
        ),
        (
            replace(INSIDE, category=None, matches=(Match("bypass.nested-address", "blocked by ITS", entry="a.test"),)),
            "en",
            [
                "This address holds the address of another site.",
                "That site was blocked by Information and Technology Services (ITS).",
            ],
        ),
        (
            replace(INSIDE, category="child-abuse"),
            "en",
            ["This address is listed as child sexual abuse material."],
        ),
        (blocked("address.port"), "en", ["This address uses a network port (443) that is not open here."]),
        (blocked("category.child-abuse"), "en", ["This address is listed as child sexual abuse material."]),
        (
            blocked("upstream.dns"),
            "en",
            [
                "There is no network address for this name.",
                "This is a problem of that site, not a block by policy. It is not counted as an attempt.",
            ],
        ),
    ],
)
def test_it_says_what_is_known(verdict: Verdict, language: str, shown: list[str]) -> None:
    assert sentences(verdict, language) == shown


def test_a_value_cannot_fill_another_place() -> None:
    match = Match("category.gambling", "x", "gambling", "{version}<b>", "{0}{list}%s")
    [sentence] = why(replace(GAMBLING, matches=(match,)), FACTS, kind_of(GAMBLING.reason, None), "en")
    assert "<strong>{version}&lt;b&gt;</strong> (version {0}{list}%s)" in sentence
