"""`doctor` on certificates: ours, the listeners', and whom this machine and the filter trust."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from proxy.authority import open_authority
from proxy.finding import Finding, Level
from proxy.upstream_trust import UpstreamTrust

if TYPE_CHECKING:
    from pathlib import Path

    from config.proxy_settings import TlsFiles
    from proxy.doctor_subject import Subject

#: Rolling an authority out to every device of a district takes a term.
AUTHORITY_NOTICE = timedelta(days=180)
LISTENER_NOTICE = timedelta(days=21)
_FILE_CAP = 4 * 1024 * 1024


def check_authority(subject: Subject) -> tuple[Finding, ...]:
    """The authority is private, whole and not about to expire. Raises AuthorityRefused."""
    authority = open_authority(subject.state_dir / "ca", subject.now)
    what = f"valid until {authority.expires:%Y-%m-%d}, SHA-256 {authority.fingerprint[:23]}…"
    if authority.expires - subject.now < AUTHORITY_NOTICE:
        return (Finding("authority", Level.WARN, what, "plan: breakwater ca rotate, and roll the new one out"),)
    return (Finding("authority", Level.OK, what),)


def check_trust_store(subject: Subject) -> tuple[Finding, ...]:
    """The authority is trusted by this machine; the staff's devices have to as well, and only they can tell."""
    der = base64.b64encode(open_authority(subject.state_dir / "ca", subject.now).certificate_der)
    if any(der in _without_breaks(path) for path in _files(subject.trust_store)):
        return (Finding("trust", Level.OK, f"this machine trusts the authority ({subject.trust_store})"),)
    what = f"this machine does not trust the authority: it is not in {subject.trust_store}"
    return (Finding("trust", Level.WARN, what, "export it with: breakwater ca export; then update-ca-certificates"),)


def check_listener_certificates(subject: Subject) -> tuple[Finding, ...]:
    """Certificates of listeners with TLS. Raises OSError, ValueError where one cannot be read."""
    return tuple(
        _listener_finding(subject, listener.address, listener.tls)
        for listener in subject.settings.proxy.listen
        if listener.tls is not None
    )


def check_extra_trust(subject: Subject) -> tuple[Finding, ...]:
    """The files of extra_trust can be read, as the next start will. Raises TrustRefused."""
    extra = subject.settings.proxy.extra_trust
    UpstreamTrust(extra)
    return (Finding("extra trust", Level.OK, f"{len(extra)} files"),) if extra else ()


def _listener_finding(subject: Subject, address: str, files: TlsFiles) -> Finding:
    certificate = x509.load_pem_x509_certificate(files.cert_file.read_bytes())
    left = certificate.not_valid_after_utc - subject.now
    level = Level.OK if left > LISTENER_NOTICE else Level.WARN if left > timedelta() else Level.RED
    what = f"certificate valid until {certificate.not_valid_after_utc:%Y-%m-%d}"
    return Finding(f"listener {address}", level, what, "" if level is Level.OK else f"renew {files.cert_file}")


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*")) if path.suffix in (".pem", ".crt") and path.is_file()]


def _without_breaks(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_FILE_CAP).translate(None, b" \r\n")
