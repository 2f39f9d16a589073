from __future__ import annotations

import pytest

from proxy.detectors.opening import named
from proxy.facts import Carrier


@pytest.mark.parametrize(
    ("text", "tunnel", "websocket"),
    [
        ("CONNECT site.test:443 HTTP/1.1\r\n", "bypass.proxy-chain", "bypass.proxy-chain"),
        ("CONNECT 192.0.2.1:22 HTTP/1.0\r\n", "bypass.proxy-chain", "bypass.proxy-chain"),
        ("CONNECT [::1]:22 HTTP/1.0\n", "bypass.proxy-chain", "bypass.proxy-chain"),
        ("CONNECT site.test HTTP/1.1\r\n", "bypass.proxy-chain", None),
        ("CONNECT me to somebody\r\n", "bypass.proxy-chain", None),
        ("CONNECT " + "a" * 300, "bypass.proxy-chain", None),
        ("CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\n", "bypass.vpn", "bypass.vpn"),
        ("CONNECT\naccept-version:1.2\n", None, None),
        ("connect site.test:443 HTTP/1.1\r\n", None, None),
        ("GET / HTTP/1.1\r\nCONNECT site.test:443 HTTP/1.1\r\n", None, None),
        ("PROXY protocols\r\n", None, None),
    ],
)
def test_a_line_is_for_a_proxy_or_not(text, tunnel, websocket):
    assert named(text.encode()) == tunnel
    assert named(text.encode(), Carrier.WEBSOCKET) == websocket
