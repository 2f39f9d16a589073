"""Whom we believe about an origin: the public authorities (certifi), and the PEM files of `proxy.extra_trust`."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import serialization

if TYPE_CHECKING:
    from collections.abc import Sequence

_FILE_CAP = 4 * 1024 * 1024
_PEM = serialization.Encoding.PEM


class TrustRefused(Exception):
    """A file of extra_trust cannot be used. The message is one line: what is wrong, where, what to do."""


class UpstreamTrust:
    """One PEM file with all authorities: `path`. It lives as long as this object.

    OpenSSL reads one file, at the first connection. The folder is this process's own, so two processes with other
    settings, or an attacker in a shared folder, cannot change what is read.
    """

    def __init__(self, extra: Sequence[Path]) -> None:
        self.path = Path(certifi.where())
        if extra:
            content = b"\n".join([self.path.read_bytes(), *map(_checked, extra)])
            folder = tempfile.mkdtemp(prefix="breakwater-trust-")
            weakref.finalize(self, shutil.rmtree, folder)
            self.path = Path(folder) / "trust.pem"
            self.path.write_bytes(content)


def _checked(path: Path) -> bytes:
    """The certificates in a file, and nothing else of it: a key beside them stays where it is."""
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_CAP)
        certificates = x509.load_pem_x509_certificates(content)
    except OSError as error:
        raise TrustRefused(f"extra_trust: {path} cannot be read: {error.strerror}; check the path") from error
    except ValueError as error:
        raise TrustRefused(f"extra_trust: {path} holds no PEM certificates; export them as PEM") from error
    return b"".join(certificate.public_bytes(_PEM) for certificate in certificates)
