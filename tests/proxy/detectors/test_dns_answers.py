from __future__ import annotations

from tests.proxy.detectors.answers import check, rows


@rows("dns")
def test_dns(row):
    check(row)
