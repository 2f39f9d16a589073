from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.detectors.opening import named, undecided
from proxy.evaluate import evaluate_later
from proxy.facts import Carrier, Opening, Stage
from tests.proxy.policy import facts, snapshot

POLICY = snapshot()


def reason(opening):
    told = replace(facts("https://tunnel.test/", "connect"), stage=Stage.STREAM, opening=opening)
    verdict = evaluate_later(told, POLICY)
    return verdict.reason if verdict else None


@pytest.mark.parametrize("carrier", [Carrier.TUNNEL, Carrier.TLS])
def test_unknown_bytes_in_a_tunnel_are_refused(carrier):
    assert reason(Opening(carrier, client=bytes(range(200)))) == "bypass.raw"


def test_unknown_bytes_in_a_websocket_are_let_through():
    assert reason(Opening(Carrier.WEBSOCKET, client=bytes(range(200)))) is None


@pytest.mark.parametrize("carrier", Carrier)
def test_either_side_names_the_protocol(carrier):
    assert reason(Opening(carrier, client=b"SSH-2.0-OpenSSH_9.2")) == "bypass.ssh"
    assert reason(Opening(carrier, client=b"abc", server=b"SSH-2.0-OpenSSH_9.2")) == "bypass.ssh"


def test_a_beginning_of_a_name_is_undecided():
    assert undecided(b"SSH-2")
    assert not undecided(b"SSH-2.0-x")
    assert not undecided(b"\xffSSH-2.0-x")


@given(st.binary(max_size=600))
def test_whatever_comes_has_a_name_or_none(data):
    assert named(data) is None or isinstance(named(data), str)
    assert not (undecided(data) and named(data))
