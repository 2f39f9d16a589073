"""A plain and a TLS origin of 4 KB answers, in a process of its own: the client shares no interpreter with it."""

from __future__ import annotations

import asyncio
import multiprocessing
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

ADDRESS = "127.0.0.88"
SIZE = 4096
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % SIZE + b"x" * SIZE


class _Answers(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._seen = b""

    def data_received(self, data: bytes) -> None:
        *heads, self._seen = (self._seen + data).split(b"\r\n\r\n")
        for _ in heads:
            self._transport.write(ANSWER)  # type: ignore[attr-defined]


class Origin:
    """Listens while it is entered. `authority` is the PEM file that its certificate is to be trusted by."""

    BODY = SIZE

    def __init__(self, folder: Path) -> None:
        self.authority = folder / "origin.pem"
        self._key = folder / "origin.key"

    def __enter__(self) -> Self:
        _certificate(self.authority, self._key)
        reading, writing = multiprocessing.Pipe(duplex=False)
        self._process = multiprocessing.Process(target=_serve, args=(writing, self.authority, self._key), daemon=True)
        self._process.start()
        self.plain_port, self.tls_port = reading.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()


def _serve(ports: Connection, certificate: Path, key: Path) -> None:
    asyncio.run(_listen(ports, certificate, key))


async def _listen(ports: Connection, certificate: Path, key: Path) -> None:
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    servers = [await loop.create_server(_Answers, ADDRESS, 0, ssl=each, backlog=512) for each in (None, context)]
    ports.send([server.sockets[0].getsockname()[1] for server in servers])
    await asyncio.Event().wait()


def _certificate(path: Path, key_path: Path) -> None:
    """A self-signed certificate for ADDRESS that is its own authority."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(ADDRESS))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
