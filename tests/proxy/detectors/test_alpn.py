from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.detectors import alpn
from tests.proxy.policy import facts, snapshot

POLICY = snapshot()


def offered(*names):
    match = alpn.hello(facts("https://site.test/", "client_hello", alpn=names), POLICY)
    return match.reason if match else None


@pytest.mark.parametrize("name", ["bep/1.0", "bep-relay", "libp2p", "dot", "doq", "stun.turn"])
def test_a_refused_protocol_is_refused_among_others(name):
    assert offered(name) == offered("h2", name) == offered(name, "http/1.1") is not None


@pytest.mark.parametrize("names", [(), ("h2", "http/1.1"), ("acme-tls/1",), ("DOT",), ("dot ",), ("bep",)])
def test_others_pass(names):
    assert offered(*names) is None


@given(st.lists(st.text(max_size=255), max_size=300))
def test_any_offer_is_answered(names):
    assert offered(*names) in {None, *(match.reason for match in alpn._MATCHES.values())}
