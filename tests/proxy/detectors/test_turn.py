from __future__ import annotations

import pytest

from proxy.detectors.opening import named
from tests.proxy.detectors.openings import NAMED

STUN, FRAMED = NAMED["TURN asks for an address"].data, NAMED["a candidate of ICE over TCP"].data


@pytest.mark.parametrize(
    ("data", "place", "value"),
    [(STUN, 0, 0x40), (STUN, 1, 0), (STUN, 3, 9), (STUN, 4, 0x22), (FRAMED, 1, 0x65), (FRAMED, 6, 0x22)],
)
def test_type_length_and_cookie_matter(data, place, value):
    assert named(data) == "bypass.turn"
    assert named(data[:place] + bytes([value]) + data[place + 1 :]) is None
