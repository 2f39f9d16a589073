from __future__ import annotations

import pytest

from categories.address import canonical_host
from config import refusals
from proxy.passthrough_starter import PASSTHROUGH_STARTER
from proxy.snapshot import covering_name

#: Too wide: whole makers, with mail, files and pages of strangers below them.
MAKERS = ("apple.com", "microsoft.com", "google.com", "googleapis.com", "icloud.com", "windows.com", "live.com")


@pytest.mark.parametrize("host", PASSTHROUGH_STARTER)
def test_each_host_is_one_that_a_district_could_name(host):
    assert canonical_host(host) == host
    assert refusals.host(host) is None
    assert len(PASSTHROUGH_STARTER[host]) > 10


def test_no_maker_is_passed_through_whole():
    assert not [maker for maker in MAKERS if covering_name(maker, PASSTHROUGH_STARTER)]


def test_no_host_is_named_twice():
    assert not [host for host in PASSTHROUGH_STARTER if covering_name(host.partition(".")[2], PASSTHROUGH_STARTER)]
