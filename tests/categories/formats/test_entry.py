from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories.address import MalformedAddress, canonical_host, is_public_suffix
from categories.entries import Covers
from categories.formats import FORMATS
from categories.formats.entry import listed_host, whole_host


def test_the_registry_is_what_settings_may_name() -> None:
    assert sorted(FORMATS) == ["domains", "hosts", "ut1"]


def test_an_address_has_no_sub_domains() -> None:
    assert [whole_host(1, host).covers for host in ("a.test", "192.0.2.1", "::1")] == [
        Covers.DOMAIN,
        Covers.HOST,
        Covers.HOST,
    ]


@given(st.from_regex(r"(?:[a-z0-9_-]{1,20}\.){1,3}[a-z][a-z0-9-]{0,10}", fullmatch=True))
def test_the_short_way_for_plain_names_agrees_with_the_long_one(text: str) -> None:
    try:
        host = canonical_host(text)
    except MalformedAddress:
        host = None
    if host is None or is_public_suffix(host):
        with pytest.raises(MalformedAddress):
            listed_host(text)
    else:
        assert listed_host(text) == host
