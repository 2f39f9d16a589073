"""A verdict to an answer: every row of reference/interface.md 1.5, every reason, hostile input."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories.taxonomy import Basis
from proxy.block_page import GIF, LAST_RESORT, Answer, Ask, Pages, PageSettings, ask_of
from proxy.pages.kinds import KINDS
from proxy.reasons import REASONS
from proxy.verdict import Action, Match, Verdict
from tests.proxy.pages.samples import FACTS, NAVIGATE, REF, SETTINGS, blocked, headers, text

PAGES = Pages(SETTINGS)
PORN = blocked("category.pornography")
CHILD_ABUSE = blocked("category.child-abuse")

PAGE_LIMIT = 6 * 1024
CARD_LIMIT = 1024

REFUSED = [
    reason
    for reason in REASONS
    if reason not in ("default", "unblock", "white-list")  # these let through
]


def page(reason: str, ask: Ask = NAVIGATE) -> str:
    return text(PAGES.answer(blocked(reason), FACTS, ask, REF))


@pytest.mark.parametrize(
    ("what", "sent", "media_type", "size"),
    [
        ("a tab", {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}, "text/html; charset=utf-8", "page"),
        ("a tab over plain http", {"Accept": "text/html,*/*;q=0.8"}, "text/html; charset=utf-8", "page"),
        ("a frame", {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate"}, "text/html; charset=utf-8", "card"),
        ("an old frame", {"Sec-Fetch-Dest": "frame"}, "text/html; charset=utf-8", "card"),
        ("an embed", {"Sec-Fetch-Dest": "embed"}, "text/html; charset=utf-8", "card"),
        ("an object", {"Sec-Fetch-Dest": "object"}, "text/html; charset=utf-8", "card"),
        ("an image", {"Sec-Fetch-Dest": "image", "Accept": "text/html"}, "image/gif", "image"),
        ("an image over plain http", {"Accept": "image/avif,image/webp,*/*;q=0.8"}, "image/gif", "image"),
        ("a style sheet", {"Sec-Fetch-Dest": "style"}, "text/css", "empty"),
        ("a style sheet over plain http", {"Accept": "text/css,*/*;q=0.1"}, "text/css", "empty"),
        ("a script", {"Sec-Fetch-Dest": "script"}, "text/javascript", "empty"),
        ("a font", {"Sec-Fetch-Dest": "font"}, "font/woff2", "empty"),
        ("a sound", {"Sec-Fetch-Dest": "audio"}, "audio/mpeg", "empty"),
        ("a film", {"Sec-Fetch-Dest": "video"}, "video/mp4", "empty"),
        ("subtitles", {"Sec-Fetch-Dest": "track"}, "text/vtt", "empty"),
        ("a worker", {"Sec-Fetch-Dest": "serviceworker"}, "text/javascript", "empty"),
        ("fetch or XHR", {"Sec-Fetch-Dest": "empty", "Accept": "*/*"}, "application/problem+json", "problem"),
        ("a json module", {"Sec-Fetch-Dest": "json"}, "application/problem+json", "problem"),
        ("a destination of the future", {"Sec-Fetch-Dest": "hologram"}, "application/problem+json", "problem"),
        ("a command line", {"Accept": "*/*", "User-Agent": "curl/8"}, "application/problem+json", "problem"),
        ("nothing at all", {}, "application/problem+json", "problem"),
        ("json before html", {"Accept": "application/json, text/html;q=0.5"}, "application/problem+json", "problem"),
        ("html refused", {"Accept": "text/html;q=0, */*"}, "application/problem+json", "problem"),
        ("a WebSocket", {"Upgrade": "websocket", "Sec-Fetch-Dest": "websocket"}, None, "empty"),
        ("a prefetch", {"Sec-Purpose": "prefetch;prerender", "Sec-Fetch-Dest": "document"}, None, "empty"),
        ("an offer of HTTP/2 is no WebSocket", {"Upgrade": "h2c"}, "application/problem+json", "problem"),
    ],
)
def test_every_row_of_the_table(what: str, sent: dict[str, str], media_type: str | None, size: str) -> None:
    answer = PAGES.answer(PORN, FACTS, ask_of(sent.items()), REF)
    found = headers(answer)
    assert answer.status == 403, what
    assert found.get("content-type") == media_type, what
    assert found["content-length"] == str(len(answer.body))
    match size:
        case "page":
            assert CARD_LIMIT < len(answer.body) <= PAGE_LIMIT
        case "card":
            assert 0 < len(answer.body) <= CARD_LIMIT
            assert REF in text(answer)
            assert "maria" not in answer.body.decode()
        case "image":
            assert answer.body == GIF
            assert len(GIF) == 43
        case "problem":
            assert json.loads(answer.body)["ref"] == REF
        case "empty":
            assert answer.body == b""


@pytest.mark.parametrize("reason", REFUSED)
@pytest.mark.parametrize("language", ["en", "es"])
def test_every_reason_has_a_page_in_both_languages(reason: str, language: str) -> None:
    verdict = blocked(reason)
    answer = PAGES.answer(verdict, FACTS, replace(NAVIGATE, accept_language=language), REF)
    body = answer.body.decode()
    assert answer.status == verdict.status
    assert len(answer.body) <= PAGE_LIMIT
    assert body.count("<h1>") == 1
    assert f'<html lang="{language}">' in body
    assert headers(answer)["content-language"] == language
    for expected in (REF, "pictures.listed.test", "lincoln-1", "maria.alvarez", "988", "Example Unified"):
        assert expected in text(answer)
    assert body.count('href="https://district.example/ar4040"') == 1
    assert ("logged and is not private" if language == "en" else "no es privado") in text(answer)
    assert not re.search(r"<(script|form|img|link|iframe|input|base)\b| on\w+=|javascript:|src=|url\(", body)


@pytest.mark.parametrize("reason", REFUSED)
def test_only_a_failure_of_the_filter_is_shown_as_one(reason: str) -> None:
    failed = "The filter cannot decide right now" in page(reason)
    assert failed == reason.startswith("error.")


def test_an_unknown_reason_is_a_failure_of_the_filter() -> None:
    assert "nothing was loaded" in page("future.reason")


def test_a_listed_page_says_who_listed_it_and_on_whose_word() -> None:
    shown = page("category.pornography")
    assert "This page is blocked by the District internet filter" in shown
    assert "This address is listed as pornography by the list ut1 (version 2026-11-22 3f9a1c2e)." in shown
    assert "Basis: board policy. Rule: AR 4040, Technology Protection Measure." in shown
    assert "An authorized individual may recommend to the District Help Desk" in shown
    assert "November 22, 2026, 3:41 PM PST" in shown


@pytest.mark.parametrize("reason", REFUSED)
@pytest.mark.parametrize("language", ["en", "es"])
def test_the_law_is_named_only_where_it_is_the_law(reason: str, language: str) -> None:
    """Invariant 8. "CIPA" and "required" never appear; "federal law" only for the two categories it is about."""
    verdict = blocked(reason)
    shown = page(reason, replace(NAVIGATE, accept_language=language)).lower()
    assert "cipa" not in shown
    assert "required" not in shown
    assert ("federal law" in shown or "ley federal" in shown) == (verdict.basis is Basis.FEDERAL_LAW)
    for word in ("unlawful", "illegal", "ilegal"):
        assert word not in shown


@pytest.mark.parametrize(
    ("reason", "clause"),
    [
        ("category.p2p", "AR 4040, Resource Limitations 3"),
        ("p2p.bittorrent", "AR 4040, Resource Limitations 3"),
        ("category.gambling", "AR 4040, Technology Protection Measure"),
        ("bypass.vpn", "AR 4040, Technology Protection Measure"),
        ("address.port", "AR 4040, Technology Protection Measure"),
        ("upstream.dns", None),
        ("identity.required", None),
        ("error.policy", None),
        ("protocol.malformed", None),
    ],
)
def test_the_clause_is_the_district_s_and_only_for_what_somebody_decided(reason: str, clause: str | None) -> None:
    shown = page(reason)
    assert ("Basis:" in shown) == (clause is not None)
    if clause:
        assert f"Rule: {clause}." in shown


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("reason", ["category.child-abuse", "bypass.nested-address"])
def test_a_child_abuse_block_shows_and_offers_nothing(language: str, reason: str) -> None:
    verdict = replace(CHILD_ABUSE, reason=reason)
    for ask in (NAVIGATE, Ask(sec_fetch_dest="iframe"), Ask()):
        answer = PAGES.answer(verdict, FACTS, replace(ask, accept_language=language), REF)
        body = answer.body.decode().lower() + str(headers(answer)).lower()
        for secret in ("ut1", "3f9a1c2e", "adult/domains", "/watch", "4711"):
            assert secret not in body
        assert "unblock" not in body
        assert "desbloque" not in body
        assert "wrong category" not in body
    assert "Call 209 555 0100" in page("category.child-abuse")


def test_a_site_s_problem_is_no_attempt() -> None:
    for reason in ("certificate", "tls", "dns", "connect", "timeout"):
        shown = page(f"upstream.{reason}")
        assert "not a block by policy. It is not counted as an attempt." in shown
        assert "blocked by the District" not in shown


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("category.gambling", "http_request_denied"),
        ("bypass.tor", "http_request_denied"),
        ("address.private", "http_request_denied"),
        ("identity.required", "http_request_denied"),
        ("upstream.dns", "dns_error"),
        ("upstream.connect", "connection_refused"),
        ("upstream.timeout", "connection_timeout"),
        ("upstream.certificate", "tls_certificate_error"),
        ("upstream.tls", "tls_protocol_error"),
        ("protocol.malformed", "http_request_error"),
        ("error.hook", "proxy_internal_error"),
    ],
)
def test_proxy_status_names_node_error_and_record(reason: str, error: str) -> None:
    found = headers(PAGES.answer(blocked(reason), FACTS, NAVIGATE, REF))
    assert found["proxy-status"] == f'lincoln-1; error={error}; details="{reason} {REF}"'


def test_a_challenge_names_the_scheme_and_only_a_challenge_does() -> None:
    pages = Pages(replace(SETTINGS, name='Cañada "Real"\r\nSet-Cookie: a=b'))
    challenge = headers(pages.answer(blocked("identity.required"), FACTS, Ask(method="CONNECT"), REF))
    realm = r'Basic realm="Ca?ada \"Real\"??Set-Cookie: a=b internet filter", charset="UTF-8"'
    assert challenge["proxy-authenticate"] == realm
    assert "set-cookie" not in challenge
    assert "proxy-authenticate" not in headers(pages.answer(PORN, FACTS, NAVIGATE, REF))


@pytest.mark.parametrize(("status", "answered"), [(200, 403), (204, 403), (302, 403), (999, 403), (421, 421)])
def test_a_block_never_looks_like_success(status: int, answered: int) -> None:
    assert PAGES.answer(replace(PORN, status=status), FACTS, NAVIGATE, REF).status == answered


def test_a_verdict_that_lets_through_has_no_page() -> None:
    with pytest.raises(ValueError, match="forwards"):
        PAGES.answer(Verdict(Action.ALLOW, "default", 7), FACTS, NAVIGATE, REF)


def test_head_gets_the_headers_of_get_and_no_body() -> None:
    get = PAGES.answer(PORN, FACTS, NAVIGATE, REF)
    head = PAGES.answer(PORN, FACTS, replace(NAVIGATE, method="HEAD"), REF)
    assert head.headers == get.headers
    assert head.body == b""


@pytest.mark.parametrize("ask", [NAVIGATE, Ask(sec_fetch_dest="iframe"), Ask(sec_fetch_dest="image"), Ask()])
def test_the_headers_keep_the_answer_to_itself(ask: Ask) -> None:
    found = headers(PAGES.answer(PORN, FACTS, ask, REF))
    assert found["cache-control"] == "no-store"
    assert found["referrer-policy"] == "no-referrer"
    assert found["x-content-type-options"] == "nosniff"
    assert found["cross-origin-opener-policy"] == "same-origin"
    policy = found["content-security-policy"]
    for directive in ("default-src 'none'", "base-uri 'none'", "form-action 'none'", "sandbox allow-popups"):
        assert directive in policy
    assert ("frame-ancestors 'none'" in policy) == (ask is NAVIGATE)
    assert "allow-same-origin" not in policy
    assert "allow-scripts" not in policy


@pytest.mark.parametrize("ask", [NAVIGATE, Ask(sec_fetch_dest="iframe")])
def test_the_policy_allows_the_one_style_by_its_hash(ask: Ask) -> None:
    answer = PAGES.answer(PORN, FACTS, ask, REF)
    [style] = re.findall(r"<style>(.*?)</style>", answer.body.decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in headers(answer)["content-security-policy"]
    assert "style=" not in answer.body.decode()


def test_the_user_is_named_only_in_a_tab_of_its_own() -> None:
    named = {ask: "maria.alvarez" in PAGES.answer(PORN, FACTS, ask, REF).body.decode() for ask in _ASKS}
    assert [ask for ask, shown in named.items() if shown] == [NAVIGATE]


_ASKS = [
    NAVIGATE,
    Ask(accept="text/html"),
    Ask(sec_fetch_dest="document", sec_fetch_mode="no-cors"),
    Ask(sec_fetch_dest="iframe", sec_fetch_mode="navigate"),
    Ask(sec_fetch_dest="empty", sec_fetch_mode="navigate"),
]


def test_a_program_gets_the_problem_in_its_own_words() -> None:
    answer = PAGES.answer(PORN, FACTS, Ask(), REF)
    assert json.loads(answer.body) == {
        "type": "http://filter.district.example/help#category",
        "title": "This page is blocked by the District internet filter",
        "status": 403,
        "detail": "This address is listed as pornography by the list ut1 (version 2026-11-22 3f9a1c2e).",
        "reason": "category.pornography",
        "category": "pornography",
        "ref": REF,
    }


def test_mail_carries_the_record_id_and_nothing_else() -> None:
    body = PAGES.answer(PORN, FACTS, NAVIGATE, REF).body.decode()
    links = re.findall(r'href="(mailto:[^"]+|tel:[^"]+)"', body)
    assert links == [
        f"mailto:help@district.example?subject=Recommendation%20to%20unblock%2C%20reference%20{REF}",
        f"mailto:help@district.example?subject=Wrong%20category%2C%20reference%20{REF}",
        "tel:2095550100",
        "tel:988",
    ]


def test_a_filter_in_trouble_offers_the_telephone_first() -> None:
    body = PAGES.answer(blocked("error.policy"), FACTS, NAVIGATE, REF).body.decode()
    assert body.index("tel:2095550100") < body.index("mailto:")


def test_a_district_without_help_desk_or_clauses_still_has_pages() -> None:
    bare = Pages(PageSettings(name="Bare", policy_url="javascript:alert(1)", public_name="f.test", node="n 1\r\n"))
    answer = bare.answer(PORN, FACTS, NAVIGATE, REF)
    assert "Rule:" not in text(answer)
    assert "mailto:" not in answer.body.decode()
    assert "javascript:" not in answer.body.decode()
    assert headers(answer)["proxy-status"].startswith('"n 1??"; error=')


def test_a_category_of_the_district_s_own_is_marked_as_english() -> None:
    match = Match("category.crafts", "arts & crafts", "crafts", "own", None)
    verdict = Verdict(Action.BLOCK, "category.crafts", 7, "crafts", Basis.DISTRICT_POLICY, (match,), None, 403)
    body = PAGES.answer(verdict, FACTS, replace(NAVIGATE, accept_language="es"), REF).body.decode()
    assert '<strong><span lang="en">arts &amp; crafts</span></strong> en la lista <strong>own</strong>.' in body


def test_the_last_resort_needs_nothing() -> None:
    assert LAST_RESORT.status == 503
    assert headers(LAST_RESORT)["cache-control"] == "no-store"
    assert b"nothing is let through" in LAST_RESORT.body


class Elements(HTMLParser):
    """Every element and attribute of a page: what hostile input must not add to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def elements(body: bytes) -> list[tuple[str, tuple[str, ...]]]:
    parser = Elements()
    parser.feed(body.decode())
    return parser.found


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><style>*{display:none}",
    "{{ 7 * 7 }}{% for %}{title}{0.__class__}",
    "%(x)s %n \\u0000",
    "a\r\nSet-Cookie: owned=1\r\n\r\n<html>",
    "\u202egnp.exe\u2066\u200b\u00ad\ufeff",
    "\ud800\udfff",
    "\x00\x1b[31m\x7f\x85\u2028\u2029",
    "é̂̃̄" * 40,
    "<!--" + "&" * 8192,
    "x" * 8192,
]


@pytest.mark.parametrize("evil", HOSTILE)
@pytest.mark.parametrize("language", ["en", "es"])
def test_hostile_values_are_only_text(evil: str, language: str) -> None:
    facts = replace(FACTS, host=evil, path="/" + evil, query=evil, user=evil)
    match = Match("category.gambling", evil, "crafts", evil, evil, evil, 1, evil)
    verdict = Verdict(Action.BLOCK, "category.gambling", 7, "crafts", Basis.DISTRICT_POLICY, (match,), None, 403)
    ask = replace(NAVIGATE, accept_language=language)
    answer = PAGES.answer(verdict, facts, ask, REF)
    plain = PAGES.answer(verdict, replace(FACTS, user="u"), ask, REF)
    assert elements(answer.body) == elements(plain.body)
    assert len(answer.body) <= PAGE_LIMIT
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\ufeff\u2028\x00\x1b\x85]", answer.body.decode())
    for sent in (ask, Ask(), Ask(sec_fetch_dest="iframe"), Ask(method="CONNECT")):
        _unbroken(PAGES.answer(verdict, facts, sent, REF))


@given(
    reason=st.sampled_from(["category.", "identity.", "error.", ""]).flatmap(lambda f: st.text().map(f.__add__)),
    node=st.text(max_size=40),
    name=st.text(max_size=40),
    ref=st.text(max_size=40),
    sent=st.lists(st.tuples(st.binary(max_size=30), st.binary(max_size=60)), max_size=5),
)
def test_no_header_can_be_broken(reason: str, node: str, name: str, ref: str, sent: list[tuple[bytes, bytes]]) -> None:
    pages = Pages(replace(SETTINGS, node=node, name=name))
    verdict = Verdict(Action.CHALLENGE, reason, 7, status=407)
    _unbroken(pages.answer(verdict, FACTS, replace(ask_of(sent), accept="*/*"), ref))


def _unbroken(answer: Answer) -> None:
    for name, value in answer.headers:
        assert re.fullmatch(rb"[A-Za-z-]+", name)
        assert re.fullmatch(rb"[\x20-\x7e]*", value)


@pytest.mark.parametrize("reason", sorted(KINDS))
def test_every_kind_fits_with_long_settings(reason: str) -> None:
    """What a district may reasonably write, in the longer language, with the longest address."""
    pages = Pages(
        replace(
            SETTINGS,
            name="Consolidated Unified School District of Northern Stanislaus County",
            policy_url="https://district.example/" + "policy/" * 25,
            help_desk_email="information.and.technology.services@" + "district." * 6 + "example",
            clauses=dict.fromkeys(("filter", "p2p", "monitoring"), "AR 4040, " + "Employee Use of Technology, " * 3),
        )
    )
    facts = replace(FACTS, host=".".join(["a" * 62] * 4), path="/" + "'" * 4000)
    verdict = Verdict(Action.BLOCK, reason, 7, matches=blocked("category.harmful-to-minors").matches, status=403)
    assert len(pages.answer(verdict, facts, replace(NAVIGATE, accept_language="es"), REF).body) <= PAGE_LIMIT


@pytest.mark.parametrize("host", ["xn--mnchen-3ya.test", "XN--MNCHEN-3YA.test"])
def test_an_idn_is_shown_in_both_forms(host: str) -> None:
    shown = text(PAGES.answer(PORN, replace(FACTS, host=host), NAVIGATE, REF))
    assert "münchen.test" in shown
    assert "xn--mnchen-3ya.test" in shown
