from __future__ import annotations

import resource

import pytest

from proxy.descriptors import ceiling, raised, room_for_clients


@pytest.mark.parametrize(
    ("limit", "most", "clients"),
    [
        (524_288, 471_859, 235_929),  # systemd's default
        (20_000, 18_000, 9_000),
        (1_024, 921, 460),
        (256, 160, 80),  # 96 stay free for names, spool and lists
        (64, 32, 16),
    ],
)
def test_connections_leave_descriptors_for_all_else(limit, most, clients):
    assert (ceiling(limit), room_for_clients(limit)) == (most, clients)


def test_the_limit_is_raised_as_far_as_allowed():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard // 2, hard))
    try:
        assert raised() == hard
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
