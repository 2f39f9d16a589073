from __future__ import annotations

from dataclasses import replace

import pytest
from mitmproxy.test import tflow

from categories.address import MalformedAddress
from proxy.evaluate import matches_of
from proxy.facts import Intent, Stage
from proxy.flow_facts import (
    SHOWN,
    Tunnel,
    connect_facts,
    judged_target,
    malformed_facts,
    request_facts,
    shown_fields,
    sni_of,
)
from proxy.head import Head
from proxy.identity.identified import Identified, Problem
from proxy.overrides import NAMES
from tests.proxy.policy import facts as told_facts
from tests.proxy.policy import snapshot, table

ANA = Identified("ana", "local", None)
NOBODY = Identified(None, "local", Problem.PASSWORD)
DISTRICT = 'schools: {lincoln: ["10.1.0.0/16"]}\ngroups: {office: {users: [ana]}}\n'


@pytest.fixture(scope="module")
def policy():
    return snapshot(DISTRICT)


def flow(host="site.test", port=443, path="/", scheme="https", headers=(), **changes):
    made = tflow.tflow()
    request = made.request
    request.data.host, request.data.port = host, port
    request.data.scheme, request.data.path = scheme.encode(), path.encode()
    request.data.authority = changes.pop("authority", "").encode()
    request.headers.clear()
    for name, value in headers:
        request.headers.add(name, value)
    request.data.method = changes.pop("method", "GET").encode()
    assert not changes
    return made


def tunnel(host="site.test", port=443, sni="site.test"):
    return Tunnel(host, port, ANA, None, sni)


def connect(target, *fields):
    return Head("CONNECT", target, fields)


def test_a_connect_states_who_asks_from_where_for_what(policy):
    facts = connect_facts(connect("SITE.test.:443"), "10.1.2.3", ANA, policy, interceptable=True)
    assert (facts.stage, facts.method, facts.scheme) == (Stage.CONNECT, "CONNECT", "tunnel")
    assert (facts.host, facts.port, facts.ip) == ("site.test", 443, None)
    assert (facts.user, facts.identity, facts.school) == ("ana", "local", "lincoln")


def test_detectors_see_the_fields_of_a_connect_without_its_secrets(policy):
    head = connect("site.test:443", (b"user-agent", b"made up"), (b"proxy-authorization", b"Basic x"))
    facts = connect_facts(head, "10.1.2.3", ANA, policy, interceptable=True)
    assert facts.fields == {"user-agent": "made up"}


SECRETS = ["authorization", "cookie", "x-api-key", "x-auth-token", "x-csrf-token", "proxy-authorization", "x-made-up"]


@pytest.mark.parametrize("name", SECRETS)
def test_detectors_see_no_field_that_none_of_them_reads(name):
    assert shown_fields([(name.encode(), b"secret"), (b"Accept", b"*/*")]) == {"accept": "*/*"}


class Asked(dict):
    """Fields of a request, and the names that were asked for."""

    def __init__(self, fields, names):
        super().__init__(fields)
        self.names = names

    def __contains__(self, name):
        self.names.add(name)
        return super().__contains__(name)

    def __getitem__(self, name):
        self.names.add(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        self.names.add(name)
        return super().get(name, default)


def test_what_detectors_ask_for_is_what_they_are_shown():
    """Over all requests of the tables: who asks for a new field finds it missing here, not in a district."""
    requests = [*table("heads.yaml")["requests"].values()]
    for family in table("http_techniques.yaml").values():
        requests += family.values()
    names = set()
    for case in filter(None, requests):
        changes = dict(case.get("with", {}))
        if "method" in case:
            changes["method"] = case["method"]
        told = told_facts(case["url"], **changes | {"alpn": ()})
        told = replace(told, fields=Asked(case.get("fields", {}), names))
        for stage in (Stage.CONNECT, Stage.REQUEST):
            matches_of(replace(told, stage=stage), snapshot())
    later = {"range", "sec-fetch-dest"}  # asked of an answer (proxy/detectors/unreadable.py, web_proxy_pages.py)
    assert names | later | NAMES == SHOWN


def test_who_was_not_proved_is_not_named(policy):
    facts = connect_facts(connect("site.test:443"), "10.1.2.3", NOBODY, policy, interceptable=True)
    assert (facts.user, facts.identity, facts.identity_problem) == (None, None, "password")


NO_AUTHORITIES = ["site.test", "site.test:0", "site.test:99999", "u@site.test:443", "/x", "a b:443"]
NO_ASCII = ["münchen.test:443", "m\u00c3\u00bcnchen.test:443", "block\u00aded.test:443"]


@pytest.mark.parametrize("target", [*NO_AUTHORITIES, *NO_ASCII], ids=ascii)
def test_a_connect_to_no_authority_is_malformed(policy, target):
    with pytest.raises(MalformedAddress):
        connect_facts(connect(target), "10.1.2.3", ANA, policy, interceptable=True)


def test_an_address_in_disguise_is_one_address(policy):
    assert str(connect_facts(connect("0x7f.1:443"), "10.1.2.3", ANA, policy, interceptable=True).ip) == "127.0.0.1"


def test_a_request_states_its_whole_address(policy):
    made = flow("münchen.test", 8080, "/a/../b?q=1", "http")
    facts = request_facts(made, "10.9.9.9", ANA, None, policy)
    assert (facts.host, facts.port, facts.path, facts.query) == ("xn--mnchen-3ya.test", 8080, "/b", "q=1")
    assert facts.school is None
    assert facts.host_header is None


def test_search_terms_are_stated_only_where_the_settings_have_them_recorded(policy):
    headers = [("sec-fetch-dest", "document"), ("sec-fetch-mode", "navigate")]
    sent = flow("www.google.com", path="/search?q=sea+otters", headers=headers)
    assert request_facts(sent, "10.1.2.3", ANA, None, policy).search_terms is None
    recorded = snapshot("record_search_terms: true")
    assert request_facts(sent, "10.1.2.3", ANA, None, recorded).search_terms == "sea otters"


CLAIMS = {
    "the tunnel's own name": ([("host", "site.test")], "", "site.test"),
    "the same with its port": ([("host", "SITE.test:443")], "", "site.test"),
    "no name at all": ([], "", None),
    "another Host": ([("host", "other.test")], "", "other.test"),
    "another port": ([("host", "site.test:8443")], "", "site.test:8443"),
    "an :authority that disagrees with Host": ([("host", "site.test")], "other.test", "other.test"),
    "a Host that is none": ([("host", "a b")], "", "(malformed)"),
    "a Host with a user": ([("host", "site.test@other.test")], "", "(malformed)"),
}


@pytest.mark.parametrize(("headers", "authority", "expected"), CLAIMS.values(), ids=CLAIMS.keys())
def test_what_a_request_inside_a_tunnel_claims_is_stated_for_comparison(policy, headers, authority, expected):
    facts = request_facts(flow(headers=headers, authority=authority), "10.1.2.3", ANA, tunnel(), policy)
    assert facts.host_header == expected
    assert (facts.tunnel_host, facts.tunnel_port, facts.sni) == ("site.test", 443, "site.test")


INTENTS = {
    "a navigation": ([("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")], Intent.NAVIGATE),
    "a frame": ([("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")], Intent.SUBRESOURCE),
    "an image": ([("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")], Intent.SUBRESOURCE),
    "a fetch of a page": (
        [("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty"), ("referer", "https://a.test/")], Intent.SUBRESOURCE
    ),
    "a fetch of nobody": ([("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")], Intent.BACKGROUND),
    "a prefetch": (
        [("sec-purpose", "prefetch"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")], Intent.PREFETCH
    ),
    "a browser on plain http": ([("accept", "text/html,*/*")], Intent.NAVIGATE),
    "a program": ([("accept", "*/*")], Intent.BACKGROUND),
}  # fmt: skip


@pytest.mark.parametrize(("headers", "intent"), INTENTS.values(), ids=INTENTS.keys())
def test_whose_choice_a_request_was(policy, headers, intent):
    assert request_facts(flow(headers=headers), "10.1.2.3", ANA, tunnel(), policy).intent is intent


@pytest.mark.parametrize(
    ("headers", "page"),
    [
        ([("referer", "https://Start.test/x?secret=1")], "start.test"),
        ([("origin", "https://start.test")], "start.test"),
        ([("origin", "null")], None),
        ([("referer", "no address")], None),
        ([], None),
    ],
    ids=["referer", "origin", "null", "rubbish", "none"],
)
def test_the_page_is_a_host_and_nothing_more(policy, headers, page):
    assert request_facts(flow(headers=headers), "10.1.2.3", ANA, tunnel(), policy).page == page


def test_a_websocket_is_told_from_a_page(policy):
    made = flow(headers=[("upgrade", "websocket")])
    assert request_facts(made, "10.1.2.3", ANA, tunnel(), policy).scheme == "wss"


def test_a_path_of_any_bytes_is_stated_or_malformed(policy):
    made = flow()
    made.request.data.path = b"/\xff\xfe%zz?" + b"x" * 20_000
    facts = request_facts(made, "10.1.2.3", ANA, tunnel(), policy)
    assert len(facts.path) <= 4096
    assert len(facts.query) <= 4096


@pytest.mark.parametrize(
    ("name", "expected"), [(None, None), ("SITE.test", "site.test"), ("a b", "(malformed)"), ("", "(malformed)")]
)
def test_a_server_name_that_is_none_agrees_with_nothing(name, expected):
    assert sni_of(name) == expected


def test_of_what_cannot_be_read_nothing_is_believed(policy):
    facts = malformed_facts("10.1.2.3", policy, "X" * 99)
    assert (facts.host, facts.path, facts.user, facts.school) == ("", "", None, "lincoln")
    assert facts.method == ""
    inside = malformed_facts("10.1.2.3", policy, "GET https://blocked.test/", tunnel())
    assert (inside.host, inside.user, inside.identity, inside.method) == ("site.test", "ana", "local", "")


UNFIT = {
    "a method with a request line in it": {"method": "GET https://blocked.test/ HTTP/1.1"},
    "a method with a tab": {"method": "GET\t/x"},
    "no method": {"method": ""},
    "a path without a slash": {"path": "bad"},
    "a whole address as the path": {"path": "https://site.test/bad"},
    "a backslash for the slash": {"path": "\\bad"},
    "an asterisk": {"path": "*", "method": "OPTIONS"},
    "a fragment": {"path": "/ok#/../bad"},
    "a version in the path": {"path": "/bad HTTP/1.1 b"},
    "a line feed in the path": {"path": "/a\nX: b"},
    "a carriage return in a value": {"headers": [("x", "a\rHost: blocked.test")]},
    "a folded value": {"headers": [("x", "a\r\n b")]},
    "a NUL in a value": {"headers": [("x", "a\0b")]},
    "a blank in a name": {"headers": [("x y", "a")]},
    "two hosts": {"headers": [("host", "site.test"), ("Host", "other.test")]},
    "the same host twice": {"headers": [("host", "site.test"), ("host", "site.test")]},
    "a path over the cap of an address": {"path": "/" + "x" * 70_000},
    "a path that climbs out of a long way down": {"path": "/" + "./" * 40_000 + "bad"},
}


@pytest.mark.parametrize("changes", UNFIT.values(), ids=UNFIT.keys())
def test_what_an_origin_might_read_differently_is_malformed(policy, changes):
    with pytest.raises(MalformedAddress):
        request_facts(flow(**changes), "10.1.2.3", ANA, tunnel(), policy)


DOTTED = {
    "/bad/../ok": b"/ok",
    "/bad/%2e%2e/ok?q=1": b"/ok?q=1",
    "/bad\\..\\ok": b"/ok",
    "/./ok": b"/ok",
    "/ok/..": b"/",
    "/ok": None,
    "/ok..x/.hidden": None,
    "/a//b;c?x=/../y": None,
}


@pytest.mark.parametrize(("path", "sent"), DOTTED.items())
def test_where_an_origin_might_climb_by_itself_it_gets_the_path_that_was_judged(policy, path, sent):
    made = flow(path=path)
    facts = request_facts(made, "10.1.2.3", ANA, tunnel(), policy)
    assert judged_target(made.request.data.path, facts) == sent


@pytest.mark.parametrize("path", ["/" + "./" * 4200 + "bad", "/x/.." * 2000 + "/bad", "/" + "%2e/" * 2100 + "bad"])
def test_a_long_path_is_judged_whole(policy, path):
    assert request_facts(flow(path=path), "10.1.2.3", ANA, tunnel(), policy).path == "/bad"


def test_a_target_that_is_longer_than_is_kept_stands_whole_beside_it(policy):
    target = f"/page?a={'x' * 5000}&u=https://other.test/"
    facts = request_facts(flow(path=target), "10.1.2.3", ANA, None, policy)
    assert facts.uncut == target
    assert "other.test" not in facts.query
    assert request_facts(flow(path="/page?a=1"), "10.1.2.3", ANA, None, policy).uncut == ""


def test_a_target_that_grows_beyond_the_cap_when_it_is_read_is_not_lost(policy):
    target = f"/{'%' * 2000}?u=https://other.test/"
    assert request_facts(flow(path=target), "10.1.2.3", ANA, None, policy).uncut == target
