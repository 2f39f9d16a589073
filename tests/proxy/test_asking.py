from __future__ import annotations

from dataclasses import replace

import pytest

from categories.address import parse
from proxy.asking import as_asked, facts_of, judged
from proxy.evaluate import evaluate
from tests.proxy.policy import MONDAY, facts, snapshot

POLICY = snapshot(
    "proxy: {passthrough: [{host: pinned.test, owner: ITS, reason: pinned, since: 2026-11-01}]}",
    ["malware: bad.pinned.test", "gambling: casino.test"],
)


@pytest.mark.parametrize(
    ("url", "stage"),
    [
        ("https://pinned.test/", "connect"),
        ("https://bad.pinned.test/", "request"),
        ("http://pinned.test/", "request"),
        ("https://site.test/", "request"),
    ],
)
def test_it_is_judged_where_traffic_is(url, stage):
    found, verdict = judged(facts_of(parse(url), "ana", MONDAY), POLICY)
    assert found.stage == stage
    assert verdict == evaluate(facts(url, stage), POLICY)


def test_nobody_in_particular_need_not_sign_in():
    asked = as_asked(replace(POLICY, identity_required=True))
    assert judged(facts_of(parse("https://casino.test/"), None, MONDAY), asked)[1].action == "allow"


def test_child_abuse_lists_are_not_asked_and_the_rest_is():
    asked = as_asked(POLICY)
    assert asked.index.lookup("abuse.test", "/", "") == ()
    assert [entry.pattern for entry in asked.index.lookup("casino.test", "/", "")] == ["casino.test"]
    assert (asked.index.generation, asked.index.counts) == (POLICY.index.generation, POLICY.index.counts)
