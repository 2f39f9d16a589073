from __future__ import annotations

import pytest
from hypothesis import given

from proxy.detectors import http_tunnels
from tests.proxy.detectors.techniques import ANY_FACTS, POLICY, cases, expected, is_match, reason_of

CASES = cases("http_tunnels")


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[sentence for sentence, _ in CASES])
def test_what_a_request_does(case):
    assert reason_of(case) == expected(case)


@given(ANY_FACTS)
def test_nothing_raises(facts):
    assert is_match(http_tunnels.request(facts, POLICY))
