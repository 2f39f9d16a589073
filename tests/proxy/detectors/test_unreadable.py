from __future__ import annotations

from tests.proxy.detectors.answers import check, rows


@rows("unreadable")
def test_unreadable(row):
    check(row)
