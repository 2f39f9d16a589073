"""A request asks for what its request line says."""

from __future__ import annotations

import pytest

from proxy.flow_facts import shown_fields
from proxy.overrides import NAMES, without_overrides
from tests.proxy.policy import facts

KEPT = ((b"Host", b"site.test"), (b"X-Forwarded-For", b"192.0.2.1"), (b"X-Original", b"1"))


def left(fields, method="GET"):
    shown = shown_fields(fields)
    return without_overrides(fields, facts(method=method, fields=shown))


@pytest.mark.parametrize("name", sorted(NAMES))
def test_what_names_something_else_stays_with_us(name):
    assert left(((name.upper().encode(), b"x"), *KEPT, (name.encode(), b"y"))) == KEPT


@pytest.mark.parametrize("name", [b"X_Original_URL", b"x-original_url", b"X_HTTP_Method_Override", b"FORWARDED"])
def test_an_origin_like_cgi_reads_an_underscore_as_a_hyphen(name):
    """RFC 3875, section 4.1.18: both become HTTP_X_ORIGINAL_URL."""
    assert left(((name, b"/bad"), *KEPT)) == KEPT


def test_a_post_may_stand_for_another_method_and_for_no_other_address():
    override = (b"X-HTTP-Method-Override", b"GET")
    assert left((override, (b"X-Original-URL", b"/bad")), "POST") == (override,)


def test_a_name_that_is_no_ascii_is_no_name_of_ours():
    odd = ((b"x-original-url\xff", b"1"),)
    assert left(odd) is odd
