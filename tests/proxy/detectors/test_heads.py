"""Every row of tests/cases/heads.yaml, with all detectors together: nothing else recognises a look-alike."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.detectors import DETECTORS
from proxy.facts import Stage
from tests.proxy.detectors.heads import POLICY, STAGES, TABLE, verdict_on
from tests.proxy.policy import facts


@pytest.mark.parametrize(("kind", "sentence"), [(kind, sentence) for kind in STAGES for sentence in TABLE[kind]])
def test_what_a_head_tells(kind, sentence):
    case = TABLE[kind][sentence]
    verdict = verdict_on(kind, case)
    assert verdict.reason == case.get("expect", "default")
    assert verdict.action == case.get("action", "block" if "expect" in case else "allow")


HOSTILE = st.text(max_size=200)
#: Words that detectors look for, put together at random.
WORDS = st.lists(
    st.one_of(
        st.sampled_from(
            ["info_hash=", "&", "=", "%", "%EF%BF%BD", "peer_id=1", "/ipfs/", "Qm", "bafy" * 20, "/tor/", "/moat/",
             ".onion.", "a" * 56, "d.", "/uri-res/", "?", "urn:sha1:", "/api/v0/", "arg=", "/sra_%7b", "z" * 130]
        ),
        st.text(max_size=5),
    ),
    max_size=200,
).map("".join)  # fmt: skip
ANYTHING = st.one_of(HOSTILE, WORDS)


@given(
    st.sampled_from(list(Stage)),
    ANYTHING,
    ANYTHING,
    ANYTHING,
    st.dictionaries(st.sampled_from(["user-agent", "x-session-id", "sec-websocket-protocol", "upgrade"]), HOSTILE),
    st.lists(HOSTILE, max_size=5).map(tuple),
)
def test_no_detector_raises_whatever_it_is_told(stage, host, path, query, fields, alpn):
    told = facts(
        "wss://site.test/", "connect", method="POST", scheme="wss", path=path, query=query, fields=fields, alpn=alpn
    )
    told = replace(told, stage=stage, host=host, sni=host, tunnel_host=None)
    for detector in DETECTORS[stage]:
        match = detector(told, POLICY)
        assert match is None or match.title
