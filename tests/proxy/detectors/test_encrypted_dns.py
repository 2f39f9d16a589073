from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.detectors import encrypted_dns
from tests.proxy.detectors.techniques import ANY_FACTS, POLICY, cases, expected, is_match, reason_of, streamed
from tests.proxy.detectors.test_dns_message import QUERY
from tests.proxy.policy import snapshot, unblock

CASES = cases("encrypted_dns")


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[sentence for sentence, _ in CASES])
def test_what_a_request_does(case):
    assert reason_of(case) == expected(case)


@given(ANY_FACTS)
def test_nothing_raises(facts):
    assert is_match(encrypted_dns.request(facts, POLICY))


def test_a_group_for_which_encrypted_dns_is_relaxed_may():
    relaxed = snapshot(
        "groups: {network: {users: [ana]}}\ncategories: {encrypted-dns: {action: block, except_groups: [network]}}"
    )
    asked = dict(CASES)["RFC 8484's own example of GET"]
    assert reason_of(asked, relaxed) == "default"
    assert reason_of({**asked, "with": {"user": "ben"}}, relaxed) == "bypass.encrypted-dns"


def test_a_host_is_unblocked_for_it():
    asked = dict(CASES)["RFC 8484's own example of GET"]
    policy = snapshot(unblocks=[unblock("unknown.test", ["bypass.encrypted-dns"])])
    assert reason_of(asked, policy) == "unblock"


@given(st.binary(max_size=100))
def test_a_body_is_one_query_or_none(data):
    told = replace(streamed(), opening=None, body=QUERY[:12] + data)
    assert is_match(encrypted_dns.body(told, POLICY))
