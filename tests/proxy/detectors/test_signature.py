from __future__ import annotations

import pytest

from proxy.detectors.signature import prefix

FITS = prefix(b"SSH-2.0-", b"SSH-1.")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", None),
        (b"S", None),
        (b"SSH-", None),
        (b"SSH-2.0", None),
        (b"SSH-2.0-OpenSSH", True),
        (b"SSH-1.99-x", True),
        (b"SSH-3", False),
        (b"ssh-2.0-", False),
        (b" SSH-2.0-", False),
    ],
)
def test_a_prefix_fits_may_fit_or_does_not(data, expected):
    assert FITS(data) is expected
