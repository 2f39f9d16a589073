from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.detectors.whole_target import whole_target
from proxy.evaluate import evaluate
from proxy.facts import PATH_CAP
from tests.proxy.detectors.techniques import POLICY
from tests.proxy.policy import facts

PADDING = "x" * PATH_CAP
QUERY = "AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB"


def padded(target):
    return replace(facts("https://unknown.test/"), uncut=target)


def test_what_was_not_cut_is_what_the_facts_say():
    told = facts("https://site.test/a?b=1")
    assert whole_target(told) == ("/a", "b=1")


def test_what_was_cut_is_read_in_the_same_spelling():
    assert whole_target(padded("//a/%62?%63=%2f")) == ("/a/b", "c=%2F")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (f"/?p={PADDING}&dns={QUERY}", "bypass.encrypted-dns"),
        (f"/?p={PADDING}&d%6Es={QUERY}", "bypass.encrypted-dns"),
        (f"/?p={PADDING}&__cpo=1", "bypass.web-proxy"),
        (f"/{PADDING}/proxy/https://else.test/", "bypass.web-proxy"),
        (f"/?p={PADDING}&info_hash={'%aa' * 20}&peer_id=x", "p2p.bittorrent"),
        (f"/?p={PADDING}", "default"),
    ],
    ids=["DoH", "DoH, escaped", "CroxyProxy", "node-unblocker", "a tracker", "nothing"],
)
def test_padding_hides_nothing(target, expected):
    assert evaluate(padded(target), POLICY).reason == expected
