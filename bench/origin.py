"""A plain and a TLS origin of 4 KB answers, in a process of its own: the client shares no interpreter with it.

The TLS one speaks HTTP/2 with whoever offers it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Self

import h2.config
import h2.connection
import h2.events
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

ADDRESS = "127.0.0.88"
#: A name of the same origin, whose TLS the proxies do not open. libnss-wrapper makes it resolve.
PASSED_THROUGH = "passed-through.test"
SIZE = 4096
BODY = b"x" * SIZE
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % SIZE + BODY
FIELDS = [(":status", "200"), ("content-type", "text/plain"), ("content-length", str(SIZE))]


class _Answers(asyncio.Protocol):
    """HTTP/1.1, or HTTP/2 where TLS has agreed on it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._seen = b""
        self._http2: h2.connection.H2Connection | None = None
        tls = transport.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() == "h2":
            self._http2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
            self._http2.initiate_connection()
            self._transport.write(self._http2.data_to_send())

    def data_received(self, data: bytes) -> None:
        if self._http2 is not None:
            self._answer_streams(self._http2, data)
            return
        *heads, self._seen = (self._seen + data).split(b"\r\n\r\n")
        for _ in heads:
            self._transport.write(ANSWER)

    def _answer_streams(self, http: h2.connection.H2Connection, data: bytes) -> None:
        for event in http.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                http.send_headers(event.stream_id, FIELDS)
                http.send_data(event.stream_id, BODY, end_stream=True)
        self._transport.write(http.data_to_send())


class Origin:
    """Listens while it is entered. `authority` is the PEM file that its certificate is to be trusted by."""

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
    context.set_alpn_protocols(["h2", "http/1.1"])
    plain = await loop.create_server(_Answers, ADDRESS, 0, backlog=512)
    tls = await loop.create_server(_Answers, ADDRESS, 0, ssl=context, backlog=512)
    ports.send([server.sockets[0].getsockname()[1] for server in (plain, tls)])
    await asyncio.Event().wait()


def _certificate(path: Path, key_path: Path) -> None:
    """A self-signed certificate for the address and the name that is its own authority."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
    names = [x509.IPAddress(ip_address(ADDRESS)), x509.DNSName(PASSED_THROUGH)]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
