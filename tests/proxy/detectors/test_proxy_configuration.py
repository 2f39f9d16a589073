from __future__ import annotations

from tests.proxy.detectors.answers import check, rows


@rows("configurations")
def test_configurations(row):
    check(row)
