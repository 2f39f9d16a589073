"""A certificate authority for the test origins, with good and bad leaves."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

DAY = timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey, age: timedelta) -> x509.CertificateBuilder:
    start = datetime.now(UTC) - DAY - age
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + 90 * DAY)
    )


def _pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    if key is None:
        return pem
    return pem + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@dataclass(frozen=True)
class Authority:
    """Signs the origins' certificates; `file` is what the proxy gets as proxy.extra_trust."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, folder: Path) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key()
        builder = (
            _builder("Origins of the tests", "Origins of the tests", key, timedelta(0))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(_key_usage(sign_certificates=True), critical=True)
        )
        authority = cls(folder, key, builder.sign(key, hashes.SHA256()))
        authority.file.write_bytes(_pem(authority.certificate))
        return authority

    @property
    def file(self) -> Path:
        return self.folder / "origins-ca.pem"

    def leaf(self, *names: str, age: timedelta = timedelta(0), self_signed: bool = False) -> Path:
        """A PEM file with certificate and key for `names`. `age` makes it older: over 90 days it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = names[0] if self_signed else "Origins of the tests"
        signer = key if self_signed else self.key
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        certificate = (
            _builder(names[0], issuer, key, age)
            .add_extension(alternatives, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(signer, hashes.SHA256())
        )
        file = self.folder / f"{names[0].replace('*', 'any')}-{certificate.serial_number:x}.pem"
        file.write_bytes(_pem(certificate, key))
        return file


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def server_context(pem: Path, *alpn: str) -> ssl.SSLContext:
    """A server's TLS context that offers `alpn`, first is best."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.set_alpn_protocols(list(alpn))
    return context
