"""The node's own pages: reachable by anybody, before sign-in, so nothing of a request may change what they hand out."""

from __future__ import annotations

import hashlib
import json
import re
import ssl
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from proxy.block_page import Answer, Ask, ask_of
from proxy.public_pages import Health, ProxyAddress, PublicFiles, PublicPages, pac
from tests.proxy.pages.samples import SETTINGS, headers, text


def _authority() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Example Unified internet filter")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
    certificate = builder.not_valid_after(datetime(2036, 1, 1, tzinfo=UTC)).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


CERTIFICATE, KEY = _authority()
DER = ssl.PEM_cert_to_DER_cert(CERTIFICATE.decode())
PROXY = ProxyAddress("filter.district.example", 8080)
PAGES = PublicPages(SETTINGS, PublicFiles(CERTIFICATE, b"crl", (PROXY,)))


def get(path: str, ask: Ask | None = None, **more: Any) -> Answer:
    return PAGES.answer("GET", path, ask or Ask(), **more)


@pytest.mark.parametrize(
    ("path", "status", "media_type", "part"),
    [
        ("/", 200, "text/html; charset=utf-8", b"This network has an internet filter"),
        ("/?from=anywhere", 200, "text/html; charset=utf-8", b"This network has an internet filter"),
        ("/help", 200, "text/html; charset=utf-8", b"Help with the internet filter"),
        ("/healthz", 200, "text/plain; charset=utf-8", b"ok\n"),
        ("/ca.crt", 200, "application/x-x509-ca-cert", CERTIFICATE),
        ("/ca.der", 200, "application/x-x509-ca-cert", DER),
        ("/ca.crl", 200, "application/pkix-crl", b"crl"),
        ("/proxy.pac", 200, "application/x-ns-proxy-autoconfig", b"FindProxyForURL"),
        ("/HELP", 404, "text/html; charset=utf-8", b"There is no such page here"),
        ("/help/", 404, "text/html; charset=utf-8", b"There is no such page here"),
        ("//", 404, "text/html; charset=utf-8", b"There is no such page here"),
        ("/../ca/authority.pem", 404, "text/html; charset=utf-8", b"There is no such page here"),
        ("/ca%2ecrt", 404, "text/html; charset=utf-8", b"There is no such page here"),
        ("/help\x00", 404, "text/html; charset=utf-8", b"There is no such page here"),
        ("", 404, "text/html; charset=utf-8", b"There is no such page here"),
        ("<script>", 404, "text/html; charset=utf-8", b"There is no such page here"),
    ],
)
def test_every_path(path: str, status: int, media_type: str, part: bytes) -> None:
    answer = get(path)
    found = headers(answer)
    assert answer.status == status
    assert found["content-type"] == media_type
    assert part in answer.body
    assert found["content-length"] == str(len(answer.body))
    assert found["cache-control"] == "no-store"
    assert found["referrer-policy"] == "no-referrer"
    assert found["x-content-type-options"] == "nosniff"
    assert found["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in found["content-security-policy"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "get", "", "TRACE"])
@pytest.mark.parametrize("path", ["/", "/healthz", "/ca.crt", "/nowhere"])
def test_only_reading_is_possible(method: str, path: str) -> None:
    answer = PAGES.answer(method, path, Ask())
    assert answer.status == 405
    assert headers(answer)["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/", "/help", "/healthz", "/ca.crt", "/proxy.pac", "/nowhere"])
def test_head_gets_the_headers_of_get_and_no_body(path: str) -> None:
    head = PAGES.answer("HEAD", path, Ask())
    assert head.headers == get(path).headers
    assert head.body == b""


@given(st.text(), st.text(), st.lists(st.tuples(st.binary(), st.binary())))
def test_no_request_makes_it_fail_or_speaks_from_a_page(
    method: str, path: str, sent: list[tuple[bytes, bytes]]
) -> None:
    answer = PAGES.answer(method, "/" + path, ask_of(sent))
    assert answer.status in (200, 404, 405)
    assert all(re.fullmatch(rb"[\x20-\x7e]*", value) for _, value in answer.headers)
    if answer.status == 404:
        assert answer.body in (get("/nowhere").body, get("/nowhere", Ask(accept_language="es")).body)


def test_health_is_the_caller_s_word() -> None:
    assert get("/healthz", health=Health()).body == b"ok\n"
    ill = get("/healthz", health=Health(ok=False, text="draining"))
    assert (ill.status, ill.body) == (503, b"draining\n")


def test_pages_speak_both_languages() -> None:
    for path in ("/", "/help", "/nowhere"):
        for language in ("en", "es"):
            answer = get(path, Ask(accept_language=language))
            assert f'<html lang="{language}">' in answer.body.decode()
            assert headers(answer)["content-language"] == language
            assert answer.body.decode().count("<h1>") == 1
            assert "988" in text(answer)


def test_the_notice_says_what_the_policy_says() -> None:
    shown = text(get("/"))
    for said in (
        "obscene, pornographic or harmful to minors, for everyone and at every hour",  # MCS TPM
        "Staff may not switch it off or go around it at any time.",  # MCS TPM 2
        "That a page opened does not make it fit",  # MCS TPM 4
        "Expect no privacy",  # MCS A.1
        "without advance notice or consent",  # MCS A.8
        "routine audits",  # MCS MSS 2
        "only with the approval of the Superintendent or a designee",  # MCS MSS 4
        "Never use another person’s account.",  # MCS A.2
        "AR 4040, Monitoring 2",
        hashlib.sha256(DER).digest().hex(":").upper(),
        "http://filter.district.example:8080/proxy.pac",
        "Call 209 555 0100",
    ):
        assert said in shown
    assert "required" not in shown.lower()
    assert 'href="https://district.example/ar4040"' in get("/").body.decode()


def test_every_family_of_a_problem_document_has_its_place_on_the_help_page() -> None:
    body = get("/help").body.decode()
    for family in ("category", "bypass", "p2p", "address", "identity", "upstream", "protocol", "error"):
        assert f'<li id="{family}">' in body


@pytest.mark.parametrize(
    ("what", "pem"),
    [
        ("key and certificate", KEY + CERTIFICATE),
        ("certificate and key", CERTIFICATE + KEY),
        ("a key alone", KEY),
        ("two certificates", CERTIFICATE + CERTIFICATE),
        ("nothing", b""),
        ("something else", b"-----BEGIN CERTIFICATE-----\n<html>\n-----END CERTIFICATE-----\n"),
    ],
)
def test_only_a_certificate_that_stands_alone_is_handed_out(what: str, pem: bytes) -> None:
    with pytest.raises(ValueError, match="one PEM certificate, and nothing else"):
        PublicFiles(pem, None, (PROXY,))


def test_without_a_revocation_list_there_is_none() -> None:
    assert PublicPages(SETTINGS, PublicFiles(CERTIFICATE, None, (PROXY,))).answer("GET", "/ca.crl", Ask()).status == 404


def test_without_a_listener_there_is_no_pac_file() -> None:
    with pytest.raises(ValueError, match="no listener"):
        PublicFiles(CERTIFICATE, None, ())


@pytest.mark.parametrize(
    ("address", "tls", "chain", "url"),
    [
        ("0.0.0.0", False, "PROXY filter.district.example:8080", "http://filter.district.example:8080"),
        ("::", True, "HTTPS filter.district.example:8080", "https://filter.district.example:8080"),
        ("10.1.2.3", False, "PROXY filter.district.example:8080", "http://filter.district.example:8080"),
        ("127.0.0.1", False, "PROXY 127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("::1", False, "PROXY [::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_listener_is_handed_out_by_the_name_that_reaches_it(address: str, tls: bool, chain: str, url: str) -> None:
    proxy = ProxyAddress.of_listener(address, 8080, tls, "filter.district.example")
    assert f"return {json.dumps(chain)};" in pac((proxy,)).decode()
    assert proxy.url == url


def test_a_listener_for_this_machine_alone_is_not_handed_out_beside_others() -> None:
    local = ProxyAddress("127.0.0.1", 8081)
    second = ProxyAddress("filter.district.example", 8443, tls=True)
    assert PublicFiles(CERTIFICATE, None, (local, PROXY, second)).usable == (PROXY, second)
    assert PublicFiles(CERTIFICATE, None, (local,)).usable == (local,)


def test_the_pac_file_never_ends_in_direct() -> None:
    source = pac((PROXY, ProxyAddress("other.district.example", 8443, tls=True))).decode()
    assert '"PROXY filter.district.example:8080; HTTPS other.district.example:8443"' in source
    assert source.count("DIRECT") == 1
    assert not re.search(r"isInNet|dnsResolve|isResolvable|myIpAddress|shExpMatch", source)


@pytest.mark.parametrize("host", ['x"; return "DIRECT', "a b", "", "a\nb", "::1", "a;b", "<b>", "ñ"])
def test_a_host_that_could_end_the_string_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="not a proxy address"):
        ProxyAddress(host, 8080)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_does_not_exist_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match="not a proxy address"):
        ProxyAddress("filter.test", port)
