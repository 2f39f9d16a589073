from __future__ import annotations

from tests.proxy.detectors.answers import check, rows


@rows("web_proxies")
def test_web_proxies(row):
    check(row)
