from __future__ import annotations

import pytest

from proxy.detectors.opening import named
from tests.proxy.detectors.openings import NAMED


def test_every_protocol_has_a_sample():
    named_by = {sample.reason for sample in NAMED.values()}
    assert named_by >= {"p2p.ed2k", "p2p.gnutella", "p2p.direct-connect", "p2p.ipfs", "p2p.other"}


@pytest.mark.parametrize(
    ("sentence", "old", "new"),
    [
        ("an eDonkey client to its server", b"\xe3", b"\xe4"),
        ("an eDonkey client to its server", b"\x5d\0\0\0", b"\x5d\0\0\x01"),
        ("an eDonkey client to its server", b"\0\0\0\x01", b"\0\0\0\x99"),
        ("Soulseek to its server", b"\x01\0\0\0\x07", b"\x01\0\0\0\xff"),
        ("Soulseek to its server", b"made", b"m\0de"),
        ("Soulseek to its server", b"\x06\0\0\0", b"\0\0\0\0"),
        ("Soulseek to its server", b"H\0\0\0", b"H\0\0\x01"),
        ("a Soulseek peer", b"P\x07", b"X\x07"),
        ("a Soulseek peer", b"\x15\0", b"\x16\0"),
        ("a hub of NMDC", b"|", b" " * 300),
        ("Delivery Optimization between two PCs", b"\x0e", b"\x0f"),
    ],
)
def test_one_thing_that_is_wrong_is_enough(sentence, old, new):
    data = NAMED[sentence].data
    changed = data.replace(old, new, 1)
    assert changed != data
    assert named(changed) is None
