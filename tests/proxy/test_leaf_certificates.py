"""Leaves: one exact name, a key apart from the authority's, accepted by a strict client."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from proxy import leaf_certificates
from proxy.authority import new_authority
from proxy.leaf_certificates import LIFE, RENEWAL, Leaf, LeafCertificates, LeafRefused

NOW = datetime.now(UTC).replace(microsecond=0)
AUTHORITY = new_authority("Example Unified", NOW)
LEAVES = LeafCertificates(AUTHORITY, "filter.example.test")


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def handshake(leaf: Leaf, host: str, tmp_path) -> None:
    """Finish TLS in memory with a client that trusts only the authority. Python 3.13 checks X.509 strictly."""
    path = tmp_path / "leaf.pem"
    key = leaf.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(key + leaf.certificate.public_bytes(serialization.Encoding.PEM))
    trusting = ssl.create_default_context(cadata=AUTHORITY.certificate_pem.decode())
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(down, up, server_hostname=host)
    server = serving.wrap_bio(up, down, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert client.version() == "TLSv1.3"


@pytest.mark.parametrize(
    "host",
    ["www.example.test", "192.0.2.7", "2001:db8::1", "a" * 60 + ".long-name.example.test", "under_score.example.test",
     "xn--bcher-kva.example.test", "intranet"],
)  # fmt: skip
def test_a_strict_client_accepts_the_leaf_for_its_host(host, tmp_path):
    handshake(LEAVES.get(host), host, tmp_path)


def test_the_leaf_covers_no_neighbour(tmp_path):
    for other in ("example.test", "a.www.example.test", "ww.example.test"):
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(LEAVES.get("www.example.test"), other, tmp_path)


def test_what_stands_in_a_leaf():
    certificate = LEAVES.get("www.example.test").certificate
    extension = certificate.extensions.get_extension_for_class
    assert list(extension(x509.SubjectAlternativeName).value) == [x509.DNSName("www.example.test")]
    assert extension(x509.BasicConstraints).value == x509.BasicConstraints(ca=False, path_length=None)
    assert list(extension(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    place = extension(x509.CRLDistributionPoints).value[0].full_name[0].value
    assert place == "http://filter.example.test/ca.crl"
    identifier = AUTHORITY.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert extension(x509.AuthorityKeyIdentifier).value.key_identifier == identifier
    certificate.verify_directly_issued_by(AUTHORITY.certificate)


def test_an_address_is_an_address_not_a_name():
    names = LEAVES.get("192.0.2.7").certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert list(names.value) == [x509.IPAddress(ipaddress.ip_address("192.0.2.7"))]


def test_it_is_valid_from_yesterday_for_less_than_397_days():
    certificate = LEAVES.get("www.example.test").certificate
    assert certificate.not_valid_before_utc <= NOW - timedelta(hours=23)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= timedelta(days=397)


def test_it_does_not_outlive_the_authority():
    clock = Clock()
    clock.now = AUTHORITY.expires - timedelta(days=1)
    leaf = LeafCertificates(AUTHORITY, "filter.example.test", clock).get("www.example.test")
    assert leaf.certificate.not_valid_after_utc == AUTHORITY.expires


def test_the_leaf_key_is_neither_the_authoritys_nor_another_process():
    keys = {
        key.public_numbers()
        for key in (
            LEAVES.get("a.test").certificate.public_key(),
            LeafCertificates(AUTHORITY, "filter.example.test").get("a.test").certificate.public_key(),
            AUTHORITY.key.public_key(),
        )
    }
    assert len(keys) == 3


def test_a_leaf_is_made_once_and_again_before_it_is_old():
    clock = Clock()
    leaves = LeafCertificates(AUTHORITY, "filter.example.test", clock)
    first = leaves.get("a.test")
    clock.now += RENEWAL
    assert leaves.get("a.test") is first
    clock.now += timedelta(hours=1)
    second = leaves.get("a.test")
    assert second.certificate.serial_number != first.certificate.serial_number
    assert second.certificate.not_valid_after_utc == clock.now + LIFE


def test_the_leaf_used_longest_ago_is_forgotten(monkeypatch):
    monkeypatch.setattr(leaf_certificates, "CAPACITY", 2)
    leaves = LeafCertificates(AUTHORITY, "filter.example.test")
    first = leaves.get("a.test")
    leaves.get("b.test")
    assert leaves.get("a.test") is first
    leaves.get("c.test")
    assert leaves.get("a.test") is first


REFUSED = [
    ("a wildcard", "*.example.test"),
    ("the wildcard of everything", "*"),
    ("a wildcard inside a label", "w*.example.test"),
    ("nothing", ""),
    ("an empty label", "a..test"),
    ("a trailing dot", "a.test."),
    ("a NUL, behind which a client may stop reading", "good.test\0.evil.test"),
    ("upper case, which is not canonical", "A.test"),
    ("a space", "a .test"),
    ("a line end", "a.test\n"),
    ("letters outside ASCII", "b\u00fccher.test"),
    ("a label over 63", "a" * 64 + ".test"),
    ("a name over 253", ".".join(["a" * 60] * 5)),
    ("a port", "a.test:443"),
    ("a half address", "192.0.2"),
    ("an address with a zone", "fe80::1%eth0"),
    ("a bracketed address", "[2001:db8::1]"),
    ("a leading dash", "-a.test"),
]


@pytest.mark.parametrize(("what", "host"), REFUSED, ids=[row[0] for row in REFUSED])
def test_no_leaf_is_made_for(what, host):
    with pytest.raises(LeafRefused):
        LEAVES.get(host)


@given(st.text(max_size=40))
def test_any_text_gets_exactly_its_name_or_nothing(host):
    try:
        certificate = LEAVES.get(host).certificate
    except LeafRefused:
        return
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert len(names) == 1
    assert "*" not in str(names[0].value)
    assert str(names[0].value) == host or names[0].value == ipaddress.ip_address(host)
