"""The district's certificate authority: made on first run, one key per district, readable by its owner alone.

It signs the certificates that staff devices see for intercepted sites, and the list of revoked ones (always empty:
a leaf lives for days and never leaves its process).
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from proxy.private_file import NotPrivate, create_private, private_folder, read_private, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

KEY_FILE = "authority.pem"  # key and certificate, 0600
NEXT_FILE = "next-authority.pem"  # the same, from `ca rotate` until the next start
CERTIFICATE_FILE = "authority.crt"  # the certificate alone, to be handed out

#: Five years: longer than a device stays in use, so most never see a change; half of the usual ten, because this key
#: stands on a machine that talks to the whole web. `doctor` warns half a year ahead, `ca rotate` makes the next.
LIFE = timedelta(days=5 * 365)
#: Clients whose clock is behind still accept what was just made.
CLOCK_SKEW = timedelta(days=1)
#: How long a client may keep the revocation list.
CRL_LIFE = timedelta(days=7)

_FILE_CAP = 64 * 1024
_NAME_CAP = 64  # bytes of a common or organisation name, X.520 (ub-common-name, ub-organization-name)


class AuthorityRefused(Exception):
    """The authority cannot be used. The message is one line: what is wrong, where, what to do."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A key and its own certificate. The key signs; it never terminates a connection."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as devices import it."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def certificate_der(self) -> bytes:
        """The certificate in DER, `application/x-x509-ca-cert`."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate as people compare it: "AB:CD:…"."""
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    @property
    def expires(self) -> datetime:
        """UTC."""
        return self.certificate.not_valid_after_utc

    def key_identifier(self) -> x509.AuthorityKeyIdentifier:
        """What every certificate and list that it signs points back with (RFC 5280, 4.2.1.1)."""
        subject = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject.value)

    def crl(self, now: datetime) -> bytes:
        """The empty revocation list in DER (`application/pkix-crl`); Windows asks for one before it trusts a leaf."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - CLOCK_SKEW)
            .next_update(now + CRL_LIFE)
            .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
            .add_extension(self.key_identifier(), critical=False)
        )
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def open_authority(folder: Path, now: datetime) -> Authority:
    """The authority in that folder; writes nothing. Raises AuthorityRefused when it is missing, shared or unusable."""
    return _opened(folder / KEY_FILE, now, f"there is no authority in {folder}; start the filter once to make it")


def _opened(path: Path, now: datetime, missing: str) -> Authority:
    try:
        authority = _parse(path, read_private(path, _FILE_CAP))
    except FileNotFoundError:
        raise AuthorityRefused(missing) from None
    except NotPrivate as error:
        raise AuthorityRefused(f"authority: {error}") from error
    except OSError as error:
        raise AuthorityRefused(f"authority: {path} cannot be read: {error.strerror}; check its owner") from error
    _refuse_untimely(path, authority, now)
    return authority


def open_or_create(folder: Path, district_name: str, now: datetime) -> Authority:
    """The authority in that folder, made when there is none. Of two that make it at once, both get the first one's."""
    with _refused(folder):
        private_folder(folder)
        if not (folder / KEY_FILE).exists():
            _create(folder, new_authority(district_name, now))
        authority = open_authority(folder, now)
        _export(folder, authority)
    return authority


def rotate(folder: Path, district_name: str, now: datetime) -> Authority:
    """Make the next authority, as next-authority.pem beside the one in use, which stays in use.

    Devices must trust it before it is used: export it, roll it out, then start the filter again (`use_next`). A second
    one is refused while the first one waits: devices may trust that one already.
    """
    path = folder / NEXT_FILE
    authority = new_authority(district_name, now)
    with _refused(folder):
        private_folder(folder)
        try:
            create_private(path, _pem(authority))
        except FileExistsError:
            raise AuthorityRefused(
                f"authority: {path} waits already; start the filter again to use it, or remove it to make another"
            ) from None
    return authority


def open_next(folder: Path, now: datetime) -> Authority:
    """The authority that waits for the next start. Raises AuthorityRefused."""
    return _opened(folder / NEXT_FILE, now, f"no next authority waits in {folder}; make it with: breakwater ca rotate")


def use_next(folder: Path, now: datetime) -> Authority | None:
    """Put the next authority in use, if one waits; the old one is kept as authority-<date>.pem.

    Call it while no worker runs: they all sign with one authority, from their start on. Raises AuthorityRefused.
    """
    path = folder / NEXT_FILE
    if not path.exists():
        return None
    authority = open_next(folder, now)
    with _refused(folder):
        if (folder / KEY_FILE).exists():
            _keep(folder / KEY_FILE, now)
        path.replace(folder / KEY_FILE)  # a power cut that undoes this leaves a next one for the next start
    return authority


@contextmanager
def _refused(folder: Path) -> Iterator[None]:
    """What the disk refuses, as one line."""
    try:
        yield
    except NotPrivate as error:
        raise AuthorityRefused(f"authority: {error}") from error
    except OSError as error:
        raise AuthorityRefused(f"authority: {folder} cannot be written: {error.strerror}; check its owner") from error


def new_authority(district_name: str, now: datetime) -> Authority:
    """An authority of its own: EC P-256, may sign server certificates and revocation lists, nothing below it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _subject(district_name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_SIGNS_ONLY, critical=True)
        # A stolen key must not sign programs or mail: clients take the usages of an authority as a limit.
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Authority(key, builder.sign(key, hashes.SHA256()))


_SIGNS_ONLY = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _subject(district_name: str) -> x509.Name:
    """Two authorities of one district have different subjects, or a client would take the one for the other."""
    serial = secrets.token_hex(8).upper()
    district = "".join(sign for sign in district_name if sign.isprintable()).strip() or "district"
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"Breakwater {serial[:4]} {_cut(district, _NAME_CAP - 16)}"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _cut(district, _NAME_CAP)),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, serial),
        ]
    )


def _cut(text: str, size: int) -> str:
    """At most `size` bytes of UTF-8, whole signs only."""
    return text.encode()[:size].decode(errors="ignore").strip()


def _create(folder: Path, authority: Authority) -> None:
    try:
        create_private(folder / KEY_FILE, _pem(authority))
    except FileExistsError:
        return  # another process was first, and its authority is the district's


def _keep(path: Path, now: datetime) -> None:
    """Give the old file a second name; a second rotation of one day gets a number."""
    number = 1
    while True:
        suffix = "" if number == 1 else f"-{number}"
        try:
            path.with_name(f"authority-{now:%Y-%m-%d}{suffix}.pem").hardlink_to(path)
        except FileExistsError:
            number += 1
        else:
            return


def _export(folder: Path, authority: Authority) -> None:
    """Keep the copy that is handed out equal to the certificate in use."""
    path = folder / CERTIFICATE_FILE
    if not path.exists() or path.read_bytes() != authority.certificate_pem:
        write_private(path, authority.certificate_pem)


def _pem(authority: Authority) -> bytes:
    key = authority.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key + authority.certificate_pem


def _parse(path: Path, content: bytes) -> Authority:
    try:
        key = serialization.load_pem_private_key(content, password=None)
        certificate = x509.load_pem_x509_certificate(content)
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    # cryptography's own text may quote the file, so none of it is repeated.
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound):
        raise AuthorityRefused(
            f"authority: {path} holds no usable key and certificate; restore it, or move it away and start again"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise AuthorityRefused(f"authority: the key in {path} is not EC P-256; make one with: breakwater ca rotate")
    if not constraints.ca:
        raise AuthorityRefused(f"authority: the certificate in {path} is not an authority's; restore it from a backup")
    if key.public_key() != certificate.public_key():
        raise AuthorityRefused(f"authority: key and certificate in {path} do not belong together; restore them")
    return Authority(key, certificate)


def _refuse_untimely(path: Path, authority: Authority, now: datetime) -> None:
    if now >= authority.expires:
        raise AuthorityRefused(
            f"authority: {path} expired on {authority.expires:%Y-%m-%d}; run: breakwater ca rotate, and roll it out"
        )
    if now < authority.certificate.not_valid_before_utc:
        raise AuthorityRefused(
            f"authority: {path} is valid from {authority.certificate.not_valid_before_utc:%Y-%m-%d} on; set the clock"
        )


def description(authority: Authority) -> list[str]:
    """What `ca show` prints."""
    return [
        f"subject      {authority.certificate.subject.rfc4514_string()}",
        f"fingerprint  {authority.fingerprint}",
        f"expires      {authority.expires:%Y-%m-%d}",
    ]
