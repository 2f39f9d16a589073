from __future__ import annotations

import pytest

from tests.proxy.detectors.answers import check, reason, rows


@rows("configurations")
def test_configurations(row):
    check(row)


@pytest.mark.parametrize(("end", "refused"), [("]", None), ("];", "bypass.proxy-configuration")])
def test_an_array_that_was_seen_whole_is_json_whoever_asked(end, refused):
    body = '["function FindProxyForURL(url, host) {}"' + end
    assert reason({"type": "application/json", "body": body}, [body.encode()]) == refused
