from __future__ import annotations

import pytest

from proxy.detectors.opening import named
from proxy.facts import Carrier
from tests.proxy.detectors.openings import NAMED

RDP = NAMED["RDP"].data


@pytest.mark.parametrize(("place", "value"), [(0, 4), (3, 0x2C), (4, 0x27), (5, 0xF0), (6, 1)])
def test_lengths_and_kind_of_rdp_agree(place, value):
    assert named(RDP[:place] + bytes([value]) + RDP[place + 1 :]) is None


def test_two_bytes_are_too_few_for_a_websocket():
    assert named(b"\x17\x24\x0a") == "bypass.remote-desktop"
    assert named(b"\x17\x24\x0a", Carrier.WEBSOCKET) is None
