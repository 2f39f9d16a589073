from __future__ import annotations

import pytest

from proxy.detectors.opening import named, undecided
from proxy.facts import Carrier

GREETING = b"\x05\x01\x00"


@pytest.mark.parametrize("data", ["0500", "0511", "05017f", "0502000a", "06010000"])
def test_what_is_no_greeting(data):
    assert named(bytes.fromhex(data)) is None


@pytest.mark.parametrize("data", ["04030050", "04010000c000020100", "04010050c00002016dff00"])
def test_what_is_no_socks_4(data):
    assert named(bytes.fromhex(data)) is None


def test_a_name_without_an_end_is_none():
    assert named(b"\x04\x01\x00\x50" + bytes(4) + b"a" * 254) is None
    assert not undecided(b"\x04\x01\x00\x50\x01\x02\x03\x04" + b"a" * 255)


@pytest.mark.parametrize(
    "rest", ["05010001c00002010016", "05030004" + "20" * 16 + "01bb", "050200030473697465" + "0035"]
)
def test_in_a_websocket_the_request_behind_a_greeting_tells(rest):
    assert named(GREETING, Carrier.WEBSOCKET) is None
    assert named(GREETING + bytes.fromhex(rest), Carrier.WEBSOCKET) == "bypass.socks"


@pytest.mark.parametrize("rest", ["05040001", "05010101", "05010002", "0601", "0100"])
def test_something_else_behind_a_greeting_is_anything_in_a_websocket(rest):
    assert named(GREETING + bytes.fromhex(rest), Carrier.WEBSOCKET) is None
    assert named(GREETING + bytes.fromhex(rest)) == "bypass.socks"
