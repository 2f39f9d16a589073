from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.detectors.opening import SIGNATURES, named, undecided
from proxy.evaluate import evaluate_later
from proxy.facts import OPENING_CAP, Carrier, Opening, Stage
from tests.proxy.detectors.openings import NAMED, UNNAMED
from tests.proxy.policy import facts, snapshot

POLICY = snapshot()


def reason(opening):
    told = replace(facts("https://tunnel.test/", "connect"), stage=Stage.STREAM, opening=opening)
    verdict = evaluate_later(told, POLICY)
    return verdict.reason if verdict else None


@pytest.mark.parametrize("carrier", [Carrier.TUNNEL, Carrier.TLS])
@pytest.mark.parametrize("sentence", NAMED)
def test_a_protocol_is_named_in_a_tunnel(sentence, carrier):
    sample = NAMED[sentence]
    assert reason(Opening(carrier, client=sample.data)) == sample.reason
    assert reason(Opening(carrier, server=sample.data)) == sample.reason


@pytest.mark.parametrize("sentence", NAMED)
def test_a_protocol_is_named_in_a_websocket(sentence):
    sample = NAMED[sentence]
    assert reason(Opening(Carrier.WEBSOCKET, client=sample.data)) == sample.websocket


@pytest.mark.parametrize("sentence", NAMED)
def test_one_byte_after_the_other_names_the_same_or_nothing_yet(sentence):
    sample = NAMED[sentence]
    for length in range(1, len(sample.data)):
        begun = sample.data[:length]
        assert named(begun) == sample.reason or (named(begun) is None and undecided(begun)), begun


@pytest.mark.parametrize("sentence", UNNAMED)
def test_a_look_alike_passes_in_a_websocket_and_is_unknown_in_a_tunnel(sentence):
    data = UNNAMED[sentence].data
    assert named(data) is None
    assert not undecided(data)
    assert reason(Opening(Carrier.WEBSOCKET, client=data)) is None
    assert reason(Opening(Carrier.TUNNEL, client=data)) == "bypass.raw"


@pytest.mark.parametrize("carrier", [Carrier.TUNNEL, Carrier.TLS])
def test_unknown_bytes_in_a_tunnel_are_refused(carrier):
    assert reason(Opening(carrier, client=bytes(range(200)))) == "bypass.raw"
    assert reason(Opening(carrier)) == "bypass.raw"


def test_unknown_bytes_in_a_websocket_are_let_through():
    assert reason(Opening(Carrier.WEBSOCKET, client=bytes(range(200)))) is None


@pytest.mark.parametrize("carrier", Carrier)
def test_either_side_names_the_protocol(carrier):
    assert reason(Opening(carrier, client=b"abc", server=b"SSH-2.0-OpenSSH_9.2")) == "bypass.ssh"


def test_a_beginning_of_a_name_is_undecided():
    assert undecided(b"SSH-2")
    assert not undecided(b"SSH-2.0-x")
    assert not undecided(b"\xffSSH-2.0-x")


#: Random bytes, and what is nearly right: a beginning of a sample with something else behind it.
HOSTILE = st.one_of(
    st.binary(max_size=600),
    st.builds(
        lambda sample, length, rest: sample.data[:length] + rest,
        st.sampled_from([*NAMED.values(), *UNNAMED.values()]),
        st.integers(0, 200),
        st.binary(max_size=600),
    ),
)


@given(HOSTILE)
@example(b"")
@example(bytes(600))
@example(b"\xff" * 600)
def test_whatever_comes_has_a_name_or_none(data):
    for signature in SIGNATURES:
        assert signature.fits(data) in (True, False, None)
    assert named(data) is None or isinstance(named(data), str)
    assert named(data, Carrier.WEBSOCKET) in (None, named(data))
    assert not (undecided(data) and named(data))


@given(HOSTILE)
def test_what_an_opening_keeps_is_enough_to_decide(data):
    whole = (data * (OPENING_CAP // max(len(data), 1) + 1) + bytes(OPENING_CAP))[:OPENING_CAP]
    assert not undecided(whole)


@given(HOSTILE, st.binary(max_size=40))
def test_what_a_signature_has_told_stays_told(data, more):
    for signature in SIGNATURES:
        told = signature.fits(data)
        if told is not None:
            assert signature.fits(data + more) is told
