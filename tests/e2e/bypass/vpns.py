"""OpenVPN through an HTTP proxy, and openconnect. Neither needs a tun device: nothing is routed."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.e2e.bypass.ground import PASSWORD, USER, Ground, Way, daemon, ran
from tests.e2e.network import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from tests.e2e.bypass.gate import Gate

#: What OpenVPN says when its TLS stands and both sides have agreed on keys.
INITIALISED = "Initialization Sequence Completed"

#: `dev null` needs neither root nor a device; `--single-session` and one try, so that an attempt is one.
_COMMON = ("--dev", "null", "--verb", "3", "--nobind", "--connect-retry-max", "1", "--single-session")


def _keys(ground: Ground) -> list[str]:
    """Both ends show the same certificate, and know it."""
    file = ground.folder / "openvpn.pem"
    if not file.exists():
        file.touch(0o600)
        file.write_bytes(ground.network.authority.leaf("openvpn.test", self_signed=True).read_bytes())
    shown = x509.load_pem_x509_certificate(file.read_bytes()).fingerprint(hashes.SHA256()).hex(":")
    return ["--peer-fingerprint", shown, "--cert", str(file), "--key", str(file)]


def _tls_crypt(ground: Ground) -> list[str]:
    file = ground.folder / "tls-crypt"
    if not file.exists():
        subprocess.run(["openvpn", "--genkey", "tls-crypt", file], check=True, capture_output=True)
    return ["--tls-crypt", str(file)]


@contextmanager
def _server(ground: Ground, name: str, extra: list[str]) -> Iterator[Gate]:
    port = free_port("127.0.0.1")
    server = ["--proto", "tcp4-server", "--local", "127.0.0.1", "--lport", str(port), "--tls-server", "--dh", "none"]
    with daemon(
        "openvpn", "--dev", "null", "--verb", "3", *server, *_keys(ground), *extra, folder=ground.folder, port=port
    ):
        yield ground.serve(name, ("127.0.0.1", port))


def _client(ground: Ground, way: Way, name: str, extra: list[str]) -> bool:
    secret = ground.folder / "openvpn"
    secret.write_text(f"{USER}\n{PASSWORD}\n")
    secret.chmod(0o600)
    via = ["--http-proxy", "127.0.0.1", str(way.port), str(secret), "basic"]
    to = ["--proto", "tcp4-client", "--remote", name, str(ground.port), "--tls-client"]
    command = ["openvpn", *_COMMON, *via, *to, *_keys(ground), *extra]
    return INITIALISED in ran(*command, until=lambda said: INITIALISED in said)


def server(ground: Ground) -> AbstractContextManager[Gate]:
    return _server(ground, "openvpn.test", [])


def tls_crypt_server(ground: Ground) -> AbstractContextManager[Gate]:
    return _server(ground, "tls-crypt.test", _tls_crypt(ground))


def approved(ground: Ground) -> AbstractContextManager[Gate]:
    return _server(ground, "approved-vpn.test", [])


def openvpn(ground: Ground, way: Way, host: str = "openvpn.test") -> bool:
    return _client(ground, way, host, [])


def openvpn_with_tls_crypt(ground: Ground, way: Way) -> bool:
    return _client(ground, way, "tls-crypt.test", _tls_crypt(ground))
