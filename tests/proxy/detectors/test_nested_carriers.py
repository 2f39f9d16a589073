from __future__ import annotations

import pytest

from categories.address import canonical_host
from proxy.detectors.nested_carriers import CARRIERS, only_carries
from proxy.detectors.nested_relays import RELAYS


@pytest.mark.parametrize("host", CARRIERS)
def test_every_host_stands_under_its_canonical_name_with_paths(host):
    assert canonical_host(host) == host
    assert CARRIERS[host]
    assert all(path.startswith("/") for path in CARRIERS[host])


@pytest.mark.parametrize("host", sorted(CARRIERS.keys() & RELAYS.keys()))
def test_a_host_that_is_a_relay_too_carries_only_on_some_of_its_paths(host):
    assert "/" not in CARRIERS[host] or host == "duckduckgo.com", "what its relay names is judged first"


@pytest.mark.parametrize(
    ("host", "path", "carries"),
    [
        ("www.google.com", "/search", True),
        ("www.google.de", "/url", True),
        ("www.google.co.jp", "/search", True),
        ("www.google.com.mx", "/complete/search", True),
        ("google.com", "/", False),
        ("www.google.com", "/amp/s/site.test", False),
        ("sites.google.com", "/search", False),
        ("script.google.com", "/search", False),
        ("www.google.com.test", "/search", False),
        ("www.google.evil", "/search", False),
        ("www.google.xx", "/search", False),
        ("suggestqueries.google.com", "/complete/search", True),
        ("www.www.google.com", "/search", False),
        ("google.co.uk.test", "/url", False),
        ("district.okta.com", "/app/x/sso/saml", True),
        ("notokta.com", "/app/x/sso/saml", False),
        ("www.bing.com", "/search", True),
        ("www.bing.com", "/translator", False),
        ("trc.taboola.com", "/site/log/3/available", True),
        ("images.taboola.com", "/taboola/image/fetch/", False),
        ("gum.criteo.com", "/sync", True),
        ("pix.eu.criteo.net", "/img/img", False),
        ("widgets.outbrain.com", "/outbrain.js", True),
        ("images.outbrain.com", "/Imaginarium/api", False),
        ("www.ecosia.org", "/search", True),
        ("image-proxy.ecosia.org", "/", False),
        ("www.qwant.com", "/", True),
        ("s.qwant.com", "/thumbr/", False),
        ("t1.gstatic.com", "/faviconV2", True),
        ("www.gstatic.com", "/x", False),
        ("image.baidu.com", "/search/down", False),
        ("site.zendesk.com", "/proxy/direct", False),
        ("site.zendesk.com", "/hc/en-us", True),
        ("docs.google.com", "/forms/d/e/1/viewform", True),
        ("docs.google.com", "/document/d/1", False),
        ("www.facebook.com", "/l.php", True),
        ("site.test", "/search", False),
    ],
)
def test_a_page_that_only_carries(host, path, carries):
    assert only_carries(host, path) is carries
