from __future__ import annotations

import pytest

from proxy.detectors.opening import named
from tests.proxy.detectors.openings import NAMED, of


@pytest.mark.parametrize("sentence", of("p2p.bittorrent"))
def test_a_handshake_counts_at_the_very_beginning_only(sentence):
    data = NAMED[sentence].data
    assert named(data) == "p2p.bittorrent"
    assert named(b" " + data) is None
    assert named(data[1:]) is None
    assert named(data.replace(b"BitTorrent", b"Bittorrent")) is None
