from __future__ import annotations

import pytest

from proxy.detectors.opening import named


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "bypass.ssh"),
        (b"SSH-1.99-old\r\n", "bypass.ssh"),
        (b"a page that says SSH-2.0-OpenSSH", None),
    ],
)
def test_either_version_line_is_ssh(data, expected):
    assert named(data) == expected
