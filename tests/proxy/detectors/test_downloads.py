from __future__ import annotations

from tests.proxy.detectors.answers import check, rows


@rows("downloads")
def test_downloads(row):
    check(row)
