from __future__ import annotations

import re

import pytest

from categories.taxonomy import TAXONOMY
from proxy.detectors import DETECTORS
from proxy.facts import Stage
from proxy.reasons import NEVER_LIFTED, REASONS, is_technique, status_of, title_of

#: reference/bypass-and-p2p.md, section B
TECHNIQUES = """
    AUTH_REQUIRED CATEGORY URL_BLOCKED PORT IP_LITERAL SSRF HOST_MISMATCH SNI_MISMATCH SEGMENT_EVASION MALFORMED
    UPGRADE METHOD ECH ALT_SVC SSH SOCKS PROXY_CHAIN TLS_IN_TLS FAKE_TLS OPAQUE_TUNNEL WS_TUNNEL HTTP_TUNNEL
    REMOTE_DESKTOP TURN VPN_OPENVPN VPN_WIREGUARD VPN_SSL VPN_PPTP VPN_TAILSCALE VPN_CONFIG VPN_APP VPN_EXT
    P2P_BITTORRENT P2P_ED2K P2P_GNUTELLA P2P_DC P2P_IPFS P2P_OTHER DOH DNS_BYPASS OHTTP RELAY MASQUE TOR WEB_PROXY
    PROXY_SITE NESTED_URL TUNNEL_HOST PAC SAFE_SEARCH PHRASE ENC_ARCHIVE CRED_LEAK HDR_OVERRIDE"""


@pytest.fixture(scope="module")
def page(request):
    return (request.config.rootpath / "docs" / "reasons.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rows(page):
    return {row[0].strip("`"): row for row in re.findall(r"^\| (`[a-z0-9.-]+`) \| (.+) \|$", page, re.MULTILINE)}


def test_every_code_stands_on_the_page_and_no_other(rows):
    assert set(rows) == set(REASONS)


@pytest.mark.parametrize("code", [code for code in REASONS if code.startswith("category.")])
def test_the_page_gives_the_basis_of_a_category(code, rows):
    category = TAXONOMY[code.removeprefix("category.")]
    meaning, basis, lock = (cell.strip() for cell in rows[code][1].split("|"))
    assert (meaning, basis) == (category.title, category.basis.value)
    assert lock.split(",")[0].split(";")[0].split(" and")[0] == {"relaxable": "blocked"}.get(
        category.lock, category.lock
    )


@pytest.mark.parametrize("code", [code for code in REASONS if is_technique(code) or status_of(code) not in (403, 407)])
def test_the_page_gives_the_status(code, rows):
    assert f"| {status_of(code)}" in rows[code][1]


def test_every_technique_of_the_catalogue_is_mapped(page):
    named = re.compile(r"[A-Z][A-Z0-9_]{2,}")
    assert set(named.findall(page)) >= set(named.findall(TECHNIQUES))


def test_every_code_that_the_sources_name_is_known(request):
    named = set()
    for source in (request.config.rootpath / "proxy").rglob("*.py"):
        text = source.read_text(encoding="utf-8")
        named |= {f"error.{what}" for what in re.findall(r'error_verdict\(\s*"([a-z-]+)"', text)}
        named |= set(re.findall(r'"((?:address|bypass|p2p|upstream|error)\.[a-z0-9-]+)"', text))
    assert "error.hook" in named
    assert named <= set(REASONS)


def test_detectors_stand_in_one_visible_place():
    assert set(DETECTORS) == set(Stage)
    for stage, asked in DETECTORS.items():
        assert len(asked) == len(set(asked)), stage


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("category.gambling", 403), ("its-block", 403), ("address.private", 403), ("address.mismatch", 421),
        ("identity.password", 407), ("upstream.dns", 502), ("upstream.timeout", 504), ("error.hook", 503),
        ("protocol.malformed", 400), ("category.of-the-district", 403), ("error.of-tomorrow", 503),
    ],
)  # fmt: skip
def test_statuses(code, status):
    assert status_of(code) == status


def test_an_unknown_code_is_its_own_title():
    assert title_of("category.of-the-district") == "category.of-the-district"


def test_what_is_never_lifted_is_a_technique():
    assert all(is_technique(code) for code in NEVER_LIFTED)
