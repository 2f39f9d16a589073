from __future__ import annotations

import pytest

from proxy.detectors import ipfs
from proxy.detectors.opening import named
from tests.proxy.detectors.openings import NAMED, of
from tests.proxy.policy import facts, snapshot

POLICY = snapshot()
IDENTIFIER = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"


@pytest.mark.parametrize(
    ("url", "recognised"),
    [
        (f"https://site.test/ipfs/{IDENTIFIER}", True),
        (f"https://site.test/ipfs/{IDENTIFIER.upper()}", True),
        (f"https://site.test/ipfs/{IDENTIFIER}?download=true", True),
        (f"https://site.test/ipfs/{IDENTIFIER}.html", True),
        (f"https://site.test/ipfs/{IDENTIFIER[:40]}", False),
        (f"https://site.test/ipfs/c{IDENTIFIER[1:]}", False),
        (f"https://site.test/ipfs?cid={IDENTIFIER}", False),
        (f"https://{IDENTIFIER}.ipns.site.test/", True),
        (f"https://{IDENTIFIER}.site.test/", False),
        (f"https://site.test/api/v0/ls?arg={IDENTIFIER}", True),
        (f"https://site.test/api/v1/ls?arg={IDENTIFIER}", False),
    ],
)
def test_an_identifier_makes_it_ipfs(url, recognised):
    assert (ipfs.request(facts(url), POLICY) is not None) is recognised


@pytest.mark.parametrize("sentence", of("p2p.ipfs"))
def test_a_node_is_known_by_how_it_negotiates(sentence):
    assert named(NAMED[sentence].data[:-1]) == "p2p.ipfs"
    assert named(NAMED[sentence].data[1:]) is None
