from __future__ import annotations

import pytest

from proxy.detectors.opening import named
from tests.proxy.detectors.openings import NAMED


@pytest.mark.parametrize(
    ("sentence", "place", "value"),
    [
        ("WireGuard with its length", 1, 0x95),
        ("WireGuard with its length", 2, 2),
        ("WireGuard as it is", 0, 3),
        ("WireGuard as it is", 147, 1),
        ("PPTP", 4, 0x1B),
        ("trojan", 0, 0x41),
        ("trojan", 56, 0x20),
        ("trojan", 58, 2),
        ("VLESS to a name", 0, 1),
        ("VLESS to a name", 7, 0x10),
        ("VLESS to a name", 17, 1),
        ("VLESS to a name", 18, 9),
        ("VLESS to a name", 21, 4),
        ("VLESS to a name", 22, 0),
        ("VLESS to a name", 23, 0x20),
    ],
)
def test_what_stands_at_fixed_places_matters(sentence, place, value):
    data = NAMED[sentence].data
    assert named(data) == "bypass.vpn"
    assert named(data[:place] + bytes([value]) + data[place + 1 :]) is None


def test_a_vless_request_to_port_0_is_none():
    data = NAMED["VLESS to a name"].data
    assert named(data[:19] + b"\0\0" + data[21:]) is None
