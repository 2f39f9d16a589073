from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.approvals import TUNNEL_PROTOCOLS
from proxy.approved_tunnel import PROTOCOLS, TLS

STUN = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
SAMPLES = {  # protocol: what its client and its server say first
    "ssh": (b"SSH-2.0-client\r\n", b"SSH-1.99-server\r\n"),
    "rdp": (b"\x03\x00\x00\x13\x0e\xe0" + bytes(13), b"\x03\x00\x00\x13\x0e\xd0" + bytes(13)),
    "vnc": (b"RFB 003.008\n", b"RFB 003.008\n"),
    "openvpn": (b"\x00\x0e\x38" + bytes(14), b"\x00\x1a\x40" + bytes(24)),
    "turn": (STUN, b"\x01\x13" + STUN[2:]),
}


def test_what_the_settings_may_name_is_known_here():
    assert {*PROTOCOLS, TLS} == set(TUNNEL_PROTOCOLS)
    assert set(SAMPLES) == set(PROTOCOLS)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_fits_itself_alone(name):
    for other, (client, server) in SAMPLES.items():
        assert PROTOCOLS[name].client(client) is (other == name), other
        assert PROTOCOLS[name].server(server) is (other == name), other


WEAKER = {
    "rdp": b"\x03\x00\x00\x13\x0f\xe0" + bytes(13),  # lengths that do not agree
    "turn": b"\x00\x01\x00\x03\x21\x12\xa4\x42" + bytes(15),  # no whole words
    "vnc": b"RFB 9.9\n",
}


@pytest.mark.parametrize(("name", "data"), WEAKER.items(), ids=WEAKER.keys())
def test_what_only_begins_like_it_does_not_fit(name, data):
    assert PROTOCOLS[name].client(data) is False
    assert PROTOCOLS[name].server(data) is False


@pytest.mark.parametrize("name", PROTOCOLS)
def test_web_traffic_fits_none(name):
    for data in (b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"):
        assert PROTOCOLS[name].client(data) is False


@pytest.mark.parametrize("name", PROTOCOLS)
@given(data=st.binary(max_size=40))
def test_any_bytes_fit_do_not_or_wait_for_more(name, data):
    assert PROTOCOLS[name].client(data) in (True, False, None)
    assert PROTOCOLS[name].server(data) in (True, False, None)
