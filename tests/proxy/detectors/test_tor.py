from __future__ import annotations

import pytest

from proxy.detectors.opening import named


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("0000 07 0006 0003 0004 0005", "bypass.tor"),
        ("0000 07 0002 0006", "bypass.tor"),
        ("0000 07 0006", None),
        ("0000 07 0005 0003 0004", None),
        ("0000 07 0022 0003 0004", None),
        ("0000 07 0002 0000", None),
        ("0000 07 0002 0100", None),
        ("0001 07 0002 0003", None),
        ("0000 08 0002 0003", None),
    ],
)
def test_versions(data, expected):
    assert named(bytes.fromhex(data)) == expected
