from __future__ import annotations

from tests.proxy.detectors.answers import check, rows


@rows("torrents")
def test_torrents(row):
    check(row)
