from __future__ import annotations

import pytest

from proxy.detectors.opening import named
from proxy.facts import Carrier
from tests.endurance.seeds import hellos


@pytest.mark.parametrize("hello", hellos("site.test"), ids=["h2", "h2, old", "http/1.1", "http/1.1, old"])
def test_real_hellos(hello):
    assert named(hello) == named(hello, Carrier.WEBSOCKET) == "bypass.tls-in-tls"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("16 0301 0200 02 0001fc", None),  # a ServerHello
        ("16 0305 0200 01 0001fc", None),
        ("16 0301 0200 01 0101fc", None),  # larger than any
        ("15 0303 0002 02 28", None),  # an alert
        ("17 0303 4200 00", None),  # longer than a record may be
        ("17 0302 0004 00", None),
        ("17 0303 0004 00", "bypass.fake-tls"),
    ],
)
def test_records(data, expected):
    assert named(bytes.fromhex(data)) == expected
