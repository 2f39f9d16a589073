"""Certificates for intercepted hosts: one exact name each, signed by the authority, for a key of this process.

The authority's key signs a leaf once (0.55 ms) and takes no part in handshakes; what a process would give away with
its memory is a key that is worth days, not the authority.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from proxy.authority import CLOCK_SKEW
from proxy.bounded_cache import BoundedCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.authority import Authority

#: How long a leaf is valid after it was made. Apple's devices take 825 days at most, public authorities 397 and less;
#: ours is made again while it runs, so a month is enough.
LIFE = timedelta(days=30)
#: A leaf older than this is made again.
RENEWAL = timedelta(days=10)
#: Leaves kept.
CAPACITY = 10_000

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_COMMON_NAME_CAP = 64


class LeafRefused(Exception):
    """No certificate is made for that host: it is not an exact name or address."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate for one host and the key that serves it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)


class LeafCertificates:
    """The leaves of one process. `public_name` is where clients get the revocation list (`/ca.crl`)."""

    def __init__(
        self, authority: Authority, public_name: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.authority = authority
        self._clock = clock
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._issuer = authority.key_identifier()
        self._points = _distribution_points(public_name)
        self._leaves: BoundedCache[str, Leaf] = BoundedCache(CAPACITY)

    def get(self, host: str) -> Leaf:
        """The leaf for a canonical host (lower case, ASCII) or an address. Raises LeafRefused."""
        now = self._clock()
        leaf = self._leaves.get(host)
        if leaf is None or now - leaf.certificate.not_valid_before_utc > RENEWAL + CLOCK_SKEW:
            leaf = Leaf(self._signed(host, now), self._key)
            self._leaves.put(host, leaf)
        return leaf

    def _signed(self, host: str, now: datetime) -> x509.Certificate:
        name = _general_name(host)
        common = [x509.NameAttribute(NameOID.COMMON_NAME, host)] if len(host) <= _COMMON_NAME_CAP else []
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(common))
            .issuer_name(self.authority.certificate.subject)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SKEW)
            .not_valid_after(min(now + LIFE, self.authority.expires))
            # RFC 5280, 4.2.1.6: critical when the subject is empty.
            .add_extension(x509.SubjectAlternativeName([name]), critical=not common)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_SERVES_ONLY, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(self._issuer, critical=False)
            .add_extension(self._points, critical=False)
        )
        return builder.sign(self.authority.key, hashes.SHA256())


_SERVES_ONLY = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _distribution_points(public_name: str) -> x509.CRLDistributionPoints:
    """Over plain HTTP: whoever checks the list is just deciding whether to trust our TLS (RFC 5280, 8)."""
    place = x509.UniformResourceIdentifier(f"http://{public_name}/ca.crl")
    return x509.CRLDistributionPoints(
        [x509.DistributionPoint(full_name=[place], relative_name=None, reasons=None, crl_issuer=None)]
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is not None and "%" not in host:  # a zone means something on one machine only
        return x509.IPAddress(address)
    labels = host.split(".")
    exact = len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)
    # A name whose last label is a number is an address to some readers (WHATWG URL, "ends in a number").
    if not exact or labels[-1].isdigit():
        raise LeafRefused(f"no certificate for {host[:80]!r}: it is not an exact host name")
    return x509.DNSName(host)
