"""Whom we believe about an origin: the public authorities (certifi), and the PEM files of `proxy.extra_trust`."""

from __future__ import annotations

import fcntl
import os
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
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


class TrustRefused(Exception):
    """A file of extra_trust cannot be used. The message is one line: what is wrong, where, what to do."""


class UpstreamTrust:
    """One PEM file with all authorities: `path`. It lives as long as this object, and never longer than the process.

    OpenSSL reads a file, again for each origin's context. This one is in memory, so nothing is left behind by a process
    that is killed; and it is sealed, so neither another process nor we ourselves can change what is read.
    """

    def __init__(self, extra: Sequence[Path]) -> None:
        self.path = Path(certifi.where())
        if extra:
            content = b"\n".join([self.path.read_bytes(), *map(_checked, extra)])
            descriptor = _in_memory(content)
            weakref.finalize(self, os.close, descriptor)
            self.path = Path(f"/proc/self/fd/{descriptor}")


def _in_memory(content: bytes) -> int:
    descriptor = os.memfd_create("breakwater-trust", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(content)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    return descriptor


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
