from __future__ import annotations

from tests.proxy.detectors.answers import check, rows


@rows("archives")
def test_archives(row):
    check(row)
