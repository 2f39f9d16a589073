from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.detectors.opening import named
from tests.proxy.detectors.openings import NAMED

PLAIN = NAMED["OpenVPN, as measured"].data
AUTHENTICATED = NAMED["OpenVPN with tls-auth and SHA-1"].data
CRYPTED = NAMED["OpenVPN with tls-crypt"].data


@given(st.binary(min_size=8, max_size=8), st.binary(min_size=64, max_size=64), st.integers(0x5F000000, 0xFFFFFFFF))
def test_keys_and_times_do_not_matter(session, secret, time):
    assert named(PLAIN[:3] + session + PLAIN[11:]) == "bypass.vpn"
    assert named(AUTHENTICATED[:3] + session + secret[:20] + AUTHENTICATED[31:]) == "bypass.vpn"
    assert named(CRYPTED[:3] + session + CRYPTED[11:15] + time.to_bytes(4) + secret[:37]) == "bypass.vpn"


@pytest.mark.parametrize(
    ("data", "place", "value"),
    [(PLAIN, 1, 15), (PLAIN, 2, 0x39), (PLAIN, 2, 0x20), (PLAIN, 11, 1), (PLAIN, 15, 1), (CRYPTED, 14, 2),
     (CRYPTED, 15, 0), (CRYPTED, 1, 0x35), (AUTHENTICATED, 34, 2), (AUTHENTICATED, 43, 1)],
)  # fmt: skip
def test_what_stands_at_fixed_places_matters(data, place, value):
    changed = data[:place] + bytes([value]) + data[place + 1 :]
    assert named(changed) is None
